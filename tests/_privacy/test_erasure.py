"""An erased person is in no file of the workspace, and no later load brings the person back."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm import files
from ckm.errors import RefusedError, UsageError
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from ckm.workspace import lay_out
from tests._privacy.shop import ANN, ANN_SHOP, HEADER, OTHERS, files_with_traces, january, load, make_shop, march, order
from tests.store.death import dying_after

ON = date(2026, 11, 30)

# A Parquet writer of a killed process tries to close its file again when Python collects it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("privacy") / "shop")


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "shop"))


def customers(root: Path) -> list[str]:
    found = Store(root / "store").scan("transactions").select(pl.col("customer_id").unique().sort()).collect()
    return found["customer_id"].to_list()


def test_no_file_of_the_workspace_has_a_trace_of_an_erased_person(shop: Path) -> None:
    before = set(files_with_traces(shop))
    assert {"identities.csv", "out/segments.csv", "out/segments.parquet", "out/kb-queries.ndjson"} <= before
    assert any(name.startswith("store/transactions_replaced/") for name in before)
    assert any(name.startswith("store/runs_segments/") for name in before)
    assert any(name.startswith("store/quarantine/") for name in before)
    assert any(name.startswith("store/ledger/") for name in before)
    assert any(name.startswith("store/transactions/_delta_log/") for name in before)
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert files_with_traces(shop) == []
    assert customers(shop) == [f"cus_{each}" for each in range(OTHERS)]
    assert receipt.customer_ids == 2
    assert receipt.removed == {
        "identities.csv": 1,
        "out/kb-queries.ndjson": 1,
        "out/segments.csv": 1,
        "out/segments.json": 1,
        "out/segments.ndjson": 1,
        "out/segments.parquet": 1,
        "out/segments.tsv": 1,
        "store/quarantine": 2,
        "store/runs_segments": 1,
        "store/transactions": 4,
        "store/transactions_replaced": 1,
    }
    assert receipt.sources == ("incoming/february.csv", "incoming/january.csv")
    assert json.loads((shop / receipt.receipt).read_text())["removed"] == receipt.removed
    assert pl.read_csv(shop / "out" / "segments.csv").height == OTHERS


def test_later_loads_drop_and_count_the_rows_of_an_erased_person(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN_SHOP, on=ON)
    again = load(shop, "march.csv", march())
    [result] = again.files
    assert (result.accepted, result.quarantined, result.erased) == (0, 0, 7)
    assert result.rows == result.unchanged + result.erased
    assert any("7 rows of erased persons dropped" in each for each in again.remarks)
    assert customers(shop) == [f"cus_{each}" for each in range(OTHERS)]
    assert files_with_traces(shop) == []


@pytest.mark.slow
def test_profiles_and_exports_of_the_person_are_deleted_and_other_profiles_are_kept(shop: Path) -> None:
    for customer in (ANN, "cus_1"):
        for suffix in (".html", ".md", ".json"):
            ckm.profile.profile(shop, customer).save(shop / "out" / f"{customer}{suffix}")
        for suffix in (".html", ".json"):
            ckm.privacy.export(shop, customer).save(shop / "out" / f"{customer}-data{suffix}")
    ckm.segment.segment(shop, by="rfm").save(shop / "out" / "segments.md")
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert not [*(shop / "out").glob(f"{ANN}*")]
    assert len([*(shop / "out").glob("cus_1*")]) == 5
    assert receipt.removed["out/segments.md"] == 1
    assert "cus_1" in (shop / "out" / "segments.md").read_text(encoding="utf-8").replace("\\", "")
    assert files_with_traces(shop) == []


@pytest.mark.parametrize(
    ("customer", "email"),
    [
        pytest.param("ｃｕｓ＿ａｎｎ７７", "", id="an id in wide letters"),
        pytest.param("cus_new", "Ann Lee <ANN.LEE+x@example.com>", id="an address behind a name"),
        pytest.param("cus_new", "office@firm.example; ann.lee@example.com", id="a second address in the cell"),
    ],
)
def test_later_loads_recognise_other_spellings(shop: Path, customer: str, email: str) -> None:
    ckm.privacy.erase(shop, ANN_SHOP, on=ON)
    [result] = load(shop, "april.csv", HEADER + order(991, customer, date(2025, 4, 1), 5, email, "", "X")).files
    assert (result.accepted, result.erased) == (0, 1)


def test_undoing_and_repeating_a_load_restores_no_row_of_an_erased_person(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN, on=ON)
    store = Store(shop / "store")
    for each in reversed(store.history()):
        store.undo(each.facts.load_id)
    for name in ("january.csv", "february.csv"):
        load(shop, name, (shop / "incoming" / name).read_text(encoding="utf-8"))
    ckm.ingest.ingest(shop, requarantine=True)
    assert customers(shop) == [f"cus_{each}" for each in range(OTHERS)]
    assert files_with_traces(shop) == []


def test_erasing_again_removes_nothing_and_keeps_the_receipt(shop: Path) -> None:
    first = ckm.privacy.erase(shop, ANN, on=ON).receipt
    content = (shop / first.receipt).read_bytes()
    again = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert (again.removed, again.receipt) == ({}, "")
    assert [path.read_bytes() for path in (shop / "privacy" / "receipts").iterdir()] == [content]


def test_an_unknown_id_is_refused_unless_forced(shop: Path) -> None:
    with pytest.raises(UsageError, match="cus_9"):
        ckm.privacy.erase(shop, "cus_9", on=ON)
    assert not (shop / "privacy").exists()
    ckm.privacy.erase(shop, "cus_9", on=ON, force=True)
    [result] = load(shop, "new.csv", january().replace("cus_3,", "cus_9,")).files
    assert result.erased == 4


@pytest.mark.parametrize("ids", [(), ("",), (ANN, "")])
def test_an_empty_id_is_refused(shop: Path, ids: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="empty"):
        ckm.privacy.erase(shop, *ids, on=ON, force=True)
    assert ANN in customers(shop)


def test_a_contact_that_two_customers_share_identifies_neither_of_them(shop: Path) -> None:
    load(
        shop,
        "house.csv",
        HEADER + order(950, "cus_bo", date(2025, 3, 1), 5, ANN_SHOP, "", "Bo Lee"),
    )
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert receipt.contacts_kept == 1
    assert "cus_bo" in customers(shop)
    later = HEADER + order(951, "cus_bo", date(2025, 4, 1), 5, ANN_SHOP, "", "Bo Lee")
    [result] = load(shop, "april.csv", later).files
    assert (result.accepted, result.erased) == (1, 0)


def test_a_short_number_as_id_removes_no_row_with_an_equal_amount(shop: Path) -> None:
    load(shop, "short.csv", HEADER + order(960, "22", date(2025, 3, 1), 5, "", "", ""))
    (shop / "out" / "list.csv").write_text("customer_id,orders\n22,1\ncus_1,22\n")
    (shop / "out" / "months.csv").write_text("month,orders\n2025-01,22\n")
    ckm.privacy.erase(shop, "22", on=ON)
    assert (shop / "out" / "list.csv").read_text() == "customer_id,orders\ncus_1,22\n"
    assert (shop / "out" / "months.csv").read_text() == "month,orders\n2025-01,22\n"


def test_a_customer_whose_parent_is_erased_is_kept_without_a_parent(shop: Path) -> None:
    path = shop / "incoming" / "customers.csv"
    path.write_text(
        f"customer_id,display_name,parent_id\n{ANN},Ann Leechester,\ncus_1,Customer One,{ANN}\ncus_2,Two,cus_1\n"
    )
    options = IngestOptions(table="customers")
    ckm.ingest.ingest(shop, path, options=options)
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert receipt.removed["store/customers"] == receipt.removed["store/customers.parent_id"] == 1
    parents = Store(shop / "store").scan("customers").select("customer_id", "parent_id").sort("customer_id")
    assert parents.collect().rows() == [("cus_1", None), ("cus_2", "cus_1")]
    assert files_with_traces(shop) == []
    path.write_text(f"{path.read_text()}cus_3,Three,cus_2\n")
    [result] = ckm.ingest.ingest(shop, path, options=options).files
    assert (result.accepted, result.unchanged, result.erased) == (1, 2, 1)
    assert files_with_traces(shop) == []


def test_files_that_ckm_does_not_edit_are_named(shop: Path) -> None:
    (shop / "out" / "report.html").write_text("<td>Ann Leechester</td>")
    (shop / "kb" / "note.yaml").write_text(f"evidence: asked by {ANN}\n")
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert receipt.remaining == ("kb/note.yaml", "out/report.html")


def test_rows_of_the_person_are_removed_from_workbooks_of_ckm_and_other_workbooks_are_named(shop: Path) -> None:
    ckm.segment.segment(shop, by="rfm").save(shop / "out" / "segments.xlsx")
    before = pl.read_excel(shop / "out" / "segments.xlsx")
    before.write_excel(shop / "out" / "own.xlsx", worksheet="my sheet")
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert receipt.removed["out/segments.xlsx"] == 1
    assert receipt.remaining == ("out/own.xlsx",)
    left = pl.read_excel(shop / "out" / "segments.xlsx")
    assert left.equals(before.filter(pl.col("customer_id") != ANN))


def test_all_contacts_of_a_cell_with_several_are_erased_and_recognised_later(tmp_path: Path) -> None:
    root = loaded(
        tmp_path,
        customers="customer_id,email,phone\n7,zoe@example.org; zq@mail.example,+49 30 1234567 / 0171-5550042 ext. 3\n"
        "8,bo@example.org,\n",
    )
    receipt = ckm.privacy.erase(root, "7", on=ON).receipt
    assert receipt.removed["store/customers"] == 1
    again = "customer_id,email,phone\nnew1,,+49 171 5550042\nnew2,x@y.example|zq@mail.example,\nnew3,bo2@example.org,\n"
    (root / "incoming" / "again.csv").write_text(again)
    [result] = ckm.ingest.ingest(root, root / "incoming" / "again.csv", options=IngestOptions(table="customers")).files
    assert (result.accepted, result.erased) == (1, 2)
    assert stored(root, "customers") == ["8", "new3"]


def test_a_text_of_another_customer_that_names_the_person_is_reported(shop: Path) -> None:
    path = shop / "incoming" / "tickets.csv"
    texts = (f"1,cus_2,2025-02-01,my neighbour {ANN_SHOP} recommended you", "2,cus_3,2025-02-01,late parcel")
    path.write_text("\n".join(("interaction_id,customer_id,at,text", *texts, "")))
    ckm.ingest.ingest(shop, path, options=IngestOptions(table="interactions"))
    receipt = ckm.privacy.erase(shop, ANN, on=ON).receipt
    assert receipt.remaining == ("store/interactions.text",)
    assert Store(shop / "store").scan("interactions").collect().height == 2


def test_nothing_is_loaded_without_the_key_of_the_tombstones(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN, on=ON)
    (shop / "privacy" / "key").unlink()
    [result] = load(shop, "march.csv", march()).files
    assert isinstance(result.error, RefusedError)


def test_only_the_owner_can_read_the_files_of_an_erasure(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN, on=ON)
    folder = shop / "privacy"
    assert folder.stat().st_mode & 0o777 == 0o700
    private = [folder / "key", folder / "tombstones.csv", *(folder / "receipts").glob("*.json")]
    assert [path.stat().st_mode & 0o777 for path in private] == [0o600] * 3


@pytest.mark.slow
@pytest.mark.parametrize("completed_by", ["the next erasure", "the next load"])
def test_an_erasure_that_was_killed_is_completed(made: Path, tmp_path: Path, completed_by: str) -> None:
    whole = Path(shutil.copytree(made, tmp_path / "whole"))
    with dying_after(None) as clock:
        expected = ckm.privacy.erase(whole, ANN, on=ON).receipt
    assert clock.changes > 50
    step = 3 if completed_by == "the next load" else 2
    for moment in range(0, clock.changes, step):
        root = Path(shutil.copytree(made, tmp_path / f"dead-{moment}"))
        with dying_after(moment):
            ckm.privacy.erase(root, ANN, on=ON)
        files._open.clear()  # open files of the killed process
        begun = (root / "privacy" / "erasure.json").exists() and (root / "privacy" / "erasure.json").stat().st_size
        if completed_by == "the next load" and begun:
            [result] = load(root, "march.csv", march()).files
            assert result.erased == 7
        else:
            ckm.privacy.erase(root, ANN, on=ON)
        assert files_with_traces(root) == [], f"killed before change {moment} of {clock.changes}"
        assert customers(root) == customers(whole)
        [receipt] = (root / "privacy" / "receipts").glob("*.json")
        assert json.loads(receipt.read_text())["removed"].items() <= expected.removed.items()
        assert not (root / "privacy" / "erasure.json").exists()
        shutil.rmtree(root)


@pytest.mark.slow
def test_an_erasure_killed_by_the_system_is_completed(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ckm", "privacy", "erase", ANN, "-C"]
    whole = Path(shutil.copytree(made, tmp_path / "whole"))
    began = time.monotonic()
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    duration = time.monotonic() - began
    killed = 0
    for number in range(8):
        root = Path(shutil.copytree(made, tmp_path / f"dead-{number}"))
        with subprocess.Popen([*command, str(root)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(duration * (0.3 + 0.09 * number))
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        subprocess.run([*command, str(root)], check=True, capture_output=True)
        assert files_with_traces(root) == []
        assert customers(root) == customers(whole)
    assert killed


def stored(root: Path, table: str) -> list[str]:
    return sorted(Store(root / "store").scan(table).collect()["customer_id"].drop_nulls())


def loaded(tmp_path: Path, **tables: str) -> Path:
    root = tmp_path / "small"
    lay_out(root)
    for name, text in tables.items():
        path = root / "incoming" / f"{name}.csv"
        path.write_text(text)
        ckm.ingest.ingest(root, path, options=IngestOptions(table=name), max_rejects=0.95)
    return root


PLAIN = "order_id,customer_id,ordered_at,net,currency\n"


def test_erasing_an_id_does_not_erase_ids_that_contain_it(tmp_path: Path) -> None:
    ids = ["cus_1", "cus_11", "xcus_1", "cus_1-a", "CUS_1"]
    rows = "".join(f"{number},{each},2025-01-01,1,EUR\n" for number, each in enumerate(ids))
    root = loaded(tmp_path, transactions=PLAIN + rows)
    (root / "out" / "list.csv").write_text("customer_id,n\n" + "".join(f"{each},1\n" for each in ids))
    ckm.privacy.erase(root, "cus_1", on=ON)
    assert stored(root, "transactions") == sorted(ids[1:])
    assert (root / "out" / "list.csv").read_text() == "customer_id,n\n" + "".join(f"{each},1\n" for each in ids[1:])


def test_ids_that_are_spellings_of_one_email_address_are_erased_together(tmp_path: Path) -> None:
    rows = "1,Zoe@Example.org,2025-01-01,1,EUR\n2,zoe@example.org,2025-01-01,1,EUR\n3,bo@example.org,2025-01-01,1,EUR\n"
    customers = "customer_id,email\nZoe@Example.org,ZOE@example.org\nzoe@example.org,zoe+shop@example.org\n"
    root = loaded(tmp_path, transactions=PLAIN + rows, customers=customers)
    assert ckm.privacy.export(root, "zoe@example.org").data.ids == ("Zoe@Example.org", "zoe@example.org")
    receipt = ckm.privacy.erase(root, "zoe@example.org", on=ON).receipt
    assert (receipt.customer_ids, receipt.contacts_kept) == (2, 0)
    assert stored(root, "transactions") == ["bo@example.org"]
    assert not any(b"zoe@" in path.read_bytes().lower() for path in (root / "store").rglob("*") if path.is_file())


def test_consents_by_email_address_are_erased_and_notes_on_others_that_name_the_person_are_reported(
    tmp_path: Path,
) -> None:
    root = loaded(
        tmp_path,
        customers="customer_id,email,display_name,Note\n7,zoe@example.org,Zoe Quaffle,\n8,,Bo,friend of Zoe Quaffle\n",
        consents="customer_id,status,channel,at,obtained_by\nzoe@example.org,yes,email,2025-01-01,form\n"
        "7,no,sms,2025-01-01,\n8,yes,email,2025-01-01,call of Zoe Quaffle\n",
    )
    receipt = ckm.privacy.erase(root, "7", on=ON).receipt
    assert receipt.removed == {"store/consents": 2, "store/customers": 1}
    assert receipt.remaining == ("store/consents.obtained_by", "store/customers.Note")


def test_a_customer_with_rows_only_in_interactions_or_in_the_quarantine_is_erased(tmp_path: Path) -> None:
    root = loaded(
        tmp_path,
        transactions=PLAIN + "1,bo,2025-01-01,1,EUR\n2,only_failed,no date,1,EUR\n3;only_line;no date\n",
        interactions="interaction_id,customer_id,at,text\n1,only_asked,2025-01-01,hello\n",
    )
    for each in ("only_failed", "only_line", "only_asked"):
        assert ckm.privacy.erase(root, each, on=ON).receipt.removed
        found = [path for path in (root / "store").rglob("*") if path.is_file() and each.encode() in path.read_bytes()]
        assert found == []
