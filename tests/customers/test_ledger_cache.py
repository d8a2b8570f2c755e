"""The cached ledger equals a new one after every change of the store, and an erasure deletes it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

from ckm.config import open_workspace
from ckm.customers import ledger_cache as cache_module
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_cache import FILE, LedgerCache, cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING, LEAST, Needs
from ckm.customers.ledger_reader import read_ledger
from ckm.dataset import open_dataset
from ckm.errors import UsageError
from ckm.store import Store
from tests.conftest import Run

START = datetime(2024, 3, 1, 12, tzinfo=UTC)


def lines(seed: int, count: int = 60) -> str:
    dice = Random(seed)
    rows = ["order_id,line_no,customer_id,ordered_at,net,currency,type,category,channel,cost"]
    for number in range(count):
        day = START + timedelta(days=dice.randrange(300))
        who = dice.choice(["ann", "bob", "cho", "a customer with a long id", "ชาย", ""])
        net = dice.randrange(-300, 2000) / 100
        rows.append(
            f"{seed}-{number // 2},{number % 2},{who},{day:%Y-%m-%dT%H:%M:%SZ},{net},EUR,"
            f"{dice.choice(['sale', 'sale', 'cancel'])},{dice.choice(['tea', 'ware', ''])},"
            f"{dice.choice(['web', 'till'])},{dice.choice(['1.5', ''])}"
        )
    return "\n".join(rows) + "\n"


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Path:
    root = tmp_path / "shop"
    assert run("init", root).exit_code == 0
    take(run, root, "a.csv", lines(1))
    return root


def take(run: Run, root: Path, name: str, text: str) -> None:
    path = root.parent / name
    path.write_text(text, encoding="utf-8")
    result = run("ingest", path, "--as", "transactions", "-C", root, "--on-conflict", "replace")
    assert result.exit_code == 0, result.output


def both(root: Path, *, as_of: date | None = None, needs: Needs = EVERYTHING) -> tuple[Ledger, Ledger]:
    dataset = open_dataset(workspace=root)
    kept = find_cache(dataset)
    assert kept is not None
    tables = {**dataset.tables}
    return cached_ledger(tables, kept, as_of=as_of, needs=needs), read_ledger(tables, as_of=as_of, needs=needs)


def fingerprint(found: Ledger) -> list[object]:
    said: list[object] = [found.customers.to_list(), found.as_of, found.begins, found.currency, found.left_out]
    for days in (found.purchases, found.later_lines, found.returns):
        said += [days.keys.tolist(), {name: np.diff(each).tolist() for name, each in days.totals.items()}]
    for baskets in (found.categories, found.channels):
        said += [baskets.codes.tolist(), baskets.days.tolist(), baskets.lines.tolist()]
        said += [baskets.names.gather(baskets.items).to_list()]
    said += [each.tolist() for each in vars(found.guests).values()]
    return [*said, {name: each.rows() for name, each in found.dimensions.items()}]


def file_of(root: Path) -> Path:
    return root / "store" / "ledger" / FILE


@pytest.mark.slow
def test_the_cached_ledger_equals_a_new_one_after_loads_updates_undos_and_erasures(shop: Path, run: Run) -> None:
    def held() -> None:
        for _ in range(2):  # first written, then read
            for as_of in (None, date(2024, 8, 1), date(2030, 1, 1)):
                kept, read = both(shop, as_of=as_of)
                assert fingerprint(kept) == fingerprint(read)

    held()
    take(run, shop, "b.csv", lines(2))
    held()
    take(run, shop, "c.csv", lines(1).replace("0.", "9."))  # the same orders with other amounts
    held()
    last = Store(shop / "store").history()[-1]
    Store(shop / "store").undo(last.facts.load_id)
    held()
    assert Store(shop / "store").erase_customer("bob")["transactions"] > 0
    assert not file_of(shop).exists()
    held()
    assert "bob" not in both(shop)[0].customers


def test_a_second_analysis_reads_no_transactions(shop: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    first = run("segment", "-C", shop, "--by", "lifecycle", "-f", "csv")
    assert file_of(shop).is_file()

    def never(*_: object, **__: object) -> Ledger:
        raise AssertionError("the transactions are read")

    monkeypatch.setattr(cache_module, "read_all_days", never)
    again = run("segment", "-C", shop, "--by", "lifecycle", "-f", "csv")
    assert again.exit_code == first.exit_code
    assert again.stdout == first.stdout
    assert run("segment", "-C", shop, "--by", "lifecycle", "--no-cache").exit_code == 70


def test_a_cache_with_more_sums_replaces_one_with_fewer_and_serves_both_needs(shop: Path) -> None:
    both(shop, needs=LEAST)
    least = file_of(shop).stat().st_size
    both(shop)
    assert file_of(shop).stat().st_size > least
    whole = file_of(shop).read_bytes()
    for needs in (LEAST, Needs(amounts=True), EVERYTHING):
        kept, read = both(shop, needs=needs)
        assert fingerprint(kept) == fingerprint(read)
    assert file_of(shop).read_bytes() == whole


@pytest.mark.slow
def test_a_damaged_or_outdated_cache_is_rebuilt(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = fingerprint(both(shop)[0])
    good = file_of(shop).read_bytes()
    for place in range(0, len(good), max(1, len(good) // 25)):
        file_of(shop).write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        assert fingerprint(both(shop)[0]) == want, place
    for text in (b"", good[: len(good) // 2], b"nothing of the kind"):
        file_of(shop).write_bytes(text)
        assert fingerprint(both(shop)[0]) == want
    before = file_of(shop).read_bytes()
    monkeypatch.setattr(cache_module, "LEDGER_VERSION", 99)
    assert fingerprint(both(shop)[0]) == want
    assert file_of(shop).read_bytes() != before


def test_a_cache_of_another_time_zone_is_not_used(shop: Path) -> None:
    dataset = open_dataset(workspace=shop)
    kept = find_cache(dataset)
    for zone in ("UTC", "Asia/Bangkok", "UTC"):
        found = cached_ledger(dataset.tables, kept, time_zone=zone, needs=EVERYTHING)
        assert fingerprint(found) == fingerprint(read_ledger(dataset.tables, time_zone=zone, needs=EVERYTHING))


def test_a_cache_copied_from_another_store_is_not_used(shop: Path, tmp_path: Path, run: Run) -> None:
    both(shop)
    other = tmp_path / "other"
    assert run("init", other).exit_code == 0
    take(run, other, "other.csv", lines(7))
    (other / "store" / "ledger").mkdir()
    (other / "store" / "ledger" / FILE).write_bytes(file_of(shop).read_bytes())
    kept, read = both(other)
    assert fingerprint(kept) == fingerprint(read)


def test_dry_run_and_no_cache_write_no_cache(shop: Path, run: Run) -> None:
    assert run("segment", "-C", shop, "--by", "lifecycle", "--dry-run").exit_code == 0
    assert not file_of(shop).exists()
    assert run("segment", "-C", shop, "--by", "lifecycle", "--no-cache").exit_code == 0
    assert not file_of(shop).exists()
    assert find_cache(open_dataset(shop.parent / "a.csv")) is None
    assert open_workspace(shop).writable


def test_an_erasure_during_an_analysis_is_not_undone_by_the_cache(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(workspace=shop)
    kept = find_cache(dataset)
    assert kept is not None
    save = cache_module._save

    def erased_before(ledger: Ledger, kept: LedgerCache) -> None:
        assert Store(shop / "store").erase_customer("bob")["transactions"] > 0
        save(ledger, kept)

    monkeypatch.setattr(cache_module, "_save", erased_before)
    assert "bob" in cached_ledger(dataset.tables, kept, needs=EVERYTHING).customers
    assert not file_of(shop).exists()


def test_an_analysis_does_not_wait_for_a_writer(shop: Path) -> None:
    dataset = open_dataset(workspace=shop)
    with Store(shop / "store").locked():
        found = cached_ledger(dataset.tables, find_cache(dataset), needs=EVERYTHING)
    assert fingerprint(found) == fingerprint(read_ledger(dataset.tables, needs=EVERYTHING))
    assert not file_of(shop).exists()


@pytest.mark.parametrize("what", ["the folder is a link", "the file is a link", "the file is a pipe"])
def test_links_and_pipes_are_neither_read_nor_written(shop: Path, tmp_path: Path, what: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / FILE).write_bytes(b"not ours")
    folder = file_of(shop).parent
    if what == "the folder is a link":
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir()
        if what == "the file is a link":
            file_of(shop).symlink_to(elsewhere / FILE)
        else:
            os.mkfifo(file_of(shop))
    dataset = open_dataset(workspace=shop)
    assert find_cache(dataset) is None
    Store(shop / "store").erase_customer("ann")
    assert (elsewhere / FILE).read_bytes() == b"not ours"
    assert not folder.exists()


def test_an_erasure_that_cannot_delete_the_cache_is_an_error_and_erases_nothing(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(shop)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ckm.store.erase.shutil.rmtree", refused)
    with pytest.raises(UsageError, match="cannot be deleted: Permission denied"):
        Store(shop / "store").erase_customer("ann")
    assert "ann" in both(shop)[1].customers


def test_the_cache_file_has_no_pickled_objects(shop: Path) -> None:
    both(shop)
    with np.load(file_of(shop), allow_pickle=False) as arrays:
        assert json.loads(arrays["facts"].tobytes())["needs"]["shop"] is True
        assert all(each.dtype != object for each in arrays.values())
