"""The export of a person has every row on the person, with sources and purposes, and no value of other customers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest

import ckm
from ckm.errors import RefusedError, UsageError
from ckm.identities import MODEL, Identities, Link
from tests._privacy.shop import ANN, ANN_SHOP, OTHERS, make_shop
from tests.conftest import Run


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("access") / "shop")


def test_an_export_has_every_row_of_the_person_in_every_table_and_file(shop: Path) -> None:
    found = ckm.privacy.export(shop, ANN)
    assert dict(found.frame.select("place", "rows").iter_rows()) == {
        "store/quarantine": 2,
        "store/runs_segments": 1,
        "store/transactions": 4,
        "store/transactions_replaced": 1,
        "identities.csv": 1,
    }
    assert found.data.ids == (ANN_SHOP, ANN)
    [orders] = [place for place in found.data.places if place.name == "store/transactions"]
    assert orders.sources == (("transactions", "incoming/february.csv", 1), ("transactions", "incoming/january.csv", 3))
    assert orders.rows["order_id"].sort().to_list() == ["901", "902", "903", "904"]


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_an_export_is_readable_for_its_owner_only_and_has_nothing_on_others(
    shop: Path, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"ann.{suffix}"
    target.write_text("before")
    target.chmod(0o644)
    ckm.privacy.export(shop, ANN_SHOP).save(target)
    text = target.read_text(encoding="utf-8")
    assert target.stat().st_mode & 0o777 == 0o600
    assert "Ann Leechester" in text
    assert "incoming/january.csv" in text
    assert "to analyse purchases" in text
    assert not any(f"Number{each}" in text for each in range(OTHERS))


def test_the_command_prints_the_rows_as_json(shop: Path, run: Run) -> None:
    done = run("privacy", "export", ANN, "-C", str(shop), "-f", "json")
    assert json.loads(done.stdout) == ckm.privacy.export(shop, ANN).data.to_dict()


def test_an_erased_person_has_no_export(shop: Path, tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop")
    ckm.privacy.erase(root, ANN, on=date(2026, 11, 30))
    with pytest.raises(UsageError, match="nothing on"):
        ckm.privacy.export(root, ANN)


def test_an_export_states_the_maximum_ages(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop")
    assert ckm.privacy.export(root, ANN).data.retention.endswith("No maximum age is set.")
    text = (root / "ckm.yaml").read_text().replace("  retention: {}\n", "  retention: {transactions: 10y}\n")
    (root / "ckm.yaml").write_text(text)
    assert "transactions 3,653 days" in ckm.privacy.export(root, ANN).data.retention


@pytest.mark.parametrize("action", [ckm.privacy.erase, ckm.privacy.export])
@pytest.mark.parametrize(
    ("probability", "by", "refused"), [("0.66", MODEL, True), ("0.99", MODEL, False), ("", "Ann", False)]
)
def test_an_uncertain_link_that_nobody_reviewed_is_not_followed(
    tmp_path: Path, action: Callable[..., object], probability: str, by: str, refused: bool
) -> None:
    shop = make_shop(tmp_path / "shop")
    first, second = sorted(ckm.open(shop).tables["transactions"].collect()["customer_id"].drop_nulls().unique())[:2]
    link = Link(first, second, person_id=first, probability=probability, by=by)
    Identities((link,)).write(shop / "identities.csv")
    with pytest.raises(RefusedError, match="probability below 95%") if refused else nullcontext():
        action(shop, second)
    rows = ckm.open(shop).tables["transactions"].collect()["customer_id"]
    assert (first in rows) == (refused or action is ckm.privacy.export)


def test_a_shop_exports_copies_and_erases_a_person(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop")
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123456789abcdef")
    key.chmod(0o600)
    shop = ckm.open(root)
    assert shop.export(ANN).frame.equals(ckm.privacy.export(root, ANN).frame)
    assert [path.stem for path in shop.pseudonymise(tmp_path / "copy", key=key).files] == ["transactions"]
    assert shop.erase(ANN).receipt.customer_ids == 2
    assert ANN not in ckm.open(root).tables["transactions"].collect()["customer_id"]
