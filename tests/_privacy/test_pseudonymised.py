"""A pseudonymised copy has equal hashes for equal ids in all tables, and no value of a person."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.errors import InputError, RefusedError, UsageError
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from tests._privacy.shop import ANN, ANN_SHOP, TRACE, load, make_shop
from tests.conftest import Run


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_shop(tmp_path_factory.mktemp("pseudonymised") / "shop")
    rows = "".join(f"cus_{each},Customer {each},c{each}@example.com,DE,{1970 + each}\n" for each in range(8))
    for name, text in {
        "customers": "customer_id,display_name,email,country,birth_year\n"
        f"{ANN},Ann Leechester,{ANN_SHOP},DE,1971\n{rows}",
        "interactions": "interaction_id,customer_id,at,text,topic\n"
        f"1,{ANN},2025-02-01,Ann Leechester waits,{ANN_SHOP}\n",
    }.items():
        path = root / "incoming" / f"{name}.csv"
        path.write_text(text)
        ckm.ingest.ingest(root, path, options=IngestOptions(table=name))
    return root


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "shop.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    return path


def test_ids_are_consistent_over_tables_and_no_value_of_a_person_is_left(shop: Path, tmp_path: Path, key: Path) -> None:
    copy = ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=key)
    tables = {path.stem: pl.read_parquet(path) for path in copy.files}
    assert {*tables} == {"customers", "interactions", "transactions"}
    text = "".join(frame.write_csv() for frame in tables.values())
    assert not TRACE.search(text.replace("id-", "id_"))
    assert "Customer" not in text
    assert not any(f"cus_{each}" in text for each in range(8))
    [ann] = tables["interactions"]["customer_id"]
    orders = tables["transactions"]
    assert orders.filter(pl.col("customer_id") == ann).height == 3  # with the order of the linked id
    assert tables["customers"].filter(pl.col("customer_id") == ann)["birth_year"].to_list() == [1970]
    assert tables["interactions"]["text"].to_list() == ["[masked]"]
    assert tables["interactions"]["topic"].to_list() != [ANN_SHOP]
    assert orders["order_id"].n_unique() == 36
    stored = Store(shop / "store").scan("transactions").collect()
    assert orders["net"].sum() == pytest.approx(stored["net"].sum())
    treated = dict(copy.frame.filter(pl.col("table") == "transactions").select("column", "treatment").iter_rows())
    assert (treated["customer_id"], treated["net"], treated["Customer_Email"]) == ("keyed hash", "unchanged", "dropped")


def test_equal_keys_give_equal_files_and_another_key_gives_other_hashes(shop: Path, tmp_path: Path, key: Path) -> None:
    one = ckm.privacy.pseudonymise(shop, tmp_path / "one", key=key)
    two = ckm.privacy.pseudonymise(shop, tmp_path / "two", key=key)
    assert [path.read_bytes() for path in one.files] == [path.read_bytes() for path in two.files]
    key.write_text("f" * 32)
    other = ckm.privacy.pseudonymise(shop, tmp_path / "other", key=key)
    ids = [{*pl.read_parquet(each.files[0])["customer_id"]} for each in (one, other)]
    assert ids[0].isdisjoint(ids[1])


def test_a_copy_can_be_analysed(shop: Path, tmp_path: Path, key: Path) -> None:
    copy = ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=key)
    [orders] = [path for path in copy.files if path.stem == "transactions"]
    expected = ckm.segment.segment(shop, by="rfm").summary
    assert ckm.segment.segment(orders, by="rfm").summary["customers"].to_list() == expected["customers"].to_list()


@pytest.mark.parametrize("place", ["shop", "copy", "link"])
def test_a_key_inside_of_the_workspace_or_the_copy_is_refused(
    shop: Path, tmp_path: Path, key: Path, place: str
) -> None:
    target = tmp_path / "copy"
    if place == "link":
        inside = shop / "out" / "linked.key"
        inside.unlink(missing_ok=True)
        inside.symlink_to(key)
    else:
        inside = (shop / "out" if place == "shop" else target) / "shop.key"
        inside.parent.mkdir(exist_ok=True)
        inside.write_bytes(key.read_bytes())
        inside.chmod(0o600)
    with pytest.raises(RefusedError, match="whoever gets the data"):
        ckm.privacy.pseudonymise(shop, target, key=inside)
    inside.unlink()


def test_a_short_missing_or_readable_key_and_a_folder_with_files_are_refused(
    shop: Path, tmp_path: Path, key: Path
) -> None:
    with pytest.raises(InputError, match="No such file"):
        ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=tmp_path / "absent.key")
    key.chmod(0o644)
    with pytest.raises(RefusedError, match="other users can read"):
        ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=key)
    key.chmod(0o600)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.parquet").touch()
    with pytest.raises(UsageError, match="not an empty folder"):
        ckm.privacy.pseudonymise(shop, tmp_path / "full", key=key)
    key.write_text("short")
    with pytest.raises(RefusedError, match="5 bytes"):
        ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=key)
    assert not (tmp_path / "copy").exists()


def test_a_copy_with_a_small_group_is_refused_and_nothing_is_written(
    shop: Path, tmp_path: Path, key: Path, run: Run
) -> None:
    settings = (shop / "ckm.yaml").read_text()
    text = settings.replace("quasi_identifiers: []", "quasi_identifiers: [country, birth_year]")
    text = text.replace("min_group_size: 5", "min_group_size: 8")
    (shop / "ckm.yaml").write_text(text)
    try:
        done = run("privacy", "pseudonymise", tmp_path / "copy", "--key", key, "-C", shop)
        assert done.exit_code == 0
        (shop / "ckm.yaml").write_text(text.replace("min_group_size: 8", "min_group_size: 10"))
        done = run("privacy", "pseudonymise", tmp_path / "small", "--key", key, "-C", shop)
        assert done.exit_code == 5
        assert "9 customers in 1 group of fewer than 10" in done.stderr
        assert not (tmp_path / "small").exists()
        report = ckm.check.check(shop)
        found = {each.table: each for each in report.findings if each.check == "group_size"}
        assert (found["customers"].value, found["customers"].limit) == (1.0, 10.0)
    finally:
        (shop / "ckm.yaml").write_text(settings)


def test_a_source_column_named_like_a_column_of_another_table_is_dropped(tmp_path: Path, key: Path) -> None:
    shop = make_shop(tmp_path / "shop")
    load(
        shop, "orders", "order_id,customer_id,date,net,currency,birth_year,text\nX1,cus_0,2026-04-01,5,EUR,1980,hello\n"
    )
    copy = ckm.privacy.pseudonymise(shop, tmp_path / "copy", key=key)
    treated = dict(copy.frame.filter(pl.col("table") == "transactions").select("column", "treatment").iter_rows())
    assert (treated["birth_year"], treated["text"]) == ("dropped", "dropped")
