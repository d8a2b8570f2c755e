"""Files in partition folders are identified by their folders, and a remark on all of them is made once."""

from __future__ import annotations

from tests.ingest.workspace import Desk


def test_files_of_equal_names_are_labelled_by_their_folders_and_a_shared_remark_is_reported_once(desk: Desk) -> None:
    folder = desk.root.parent / "warehouse"
    for month in (1, 2):
        path = folder / "currency=EUR" / f"month={month}" / "part-0.csv"
        path.parent.mkdir(parents=True)
        lines = [f"A{month}{n},C{n},2025-0{month}-0{n},5.00" for n in range(1, 4)]
        path.write_text("\n".join(["order_id,customer_id,ordered_at,net", *lines]) + "\n", encoding="utf-8")
    result = desk.call(folder, "--as", "transactions", "-f", "json")
    assert result.exit_code == 0, result.output
    names = [f"currency=EUR/month={month}/part-0.csv" for month in (1, 2)]
    assert [each["file"] for each in desk.ask(folder, "--as", "transactions")] == names
    assert result.stderr.count("columns from folder names") == 1
    assert "all 2 files: columns from folder names: 'currency', 'month'" in result.stderr
    [undone] = desk.ask("--undo", folder / "currency=EUR" / "month=2" / "part-0.csv")
    assert (undone["file"], undone["removed"]) == (names[1], 3)
