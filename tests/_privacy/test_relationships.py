"""No relation of another customer names an erased person, and no later load restores such a relation."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

import ckm
from ckm.store import Store
from tests._network.shop import sales, workspace

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 11, 30)
LINKS = "ann,works at,acme,,\nacme,employs,ann,,\nbob,referred by,ann,,\nbob,works at,acme,,\n"

pytestmark = pytest.mark.slow


def test_relations_with_an_erased_person_at_either_end_are_removed_and_not_loaded_again(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", relationships=LINKS, sales=sales(ann=1, acme=2, bob=3))
    receipt = ckm.privacy.erase(root, "ann", on=ON).receipt
    assert receipt.removed["store/relationships"] == 3
    kept = [("bob", "works_at", "acme")]
    columns = ("customer_id", "relation", "related_id")
    assert Store(root / "store").scan("relationships").select(columns).collect().rows() == kept
    (root / "again.csv").write_text(
        f"customer_id,relation,related_id,valid_from,valid_until\n{LINKS}zoe,works at,acme,,\n", encoding="utf-8"
    )
    loaded = ckm.open(root).ingest(root / "again.csv", table="relationships")
    assert int(loaded.frame["erased"].sum()) == 3
    assert Store(root / "store").scan("relationships").select(columns).collect().sort(columns).rows() == [
        *kept,
        ("zoe", "works_at", "acme"),
    ]


def test_an_export_has_the_relations_with_the_person_at_either_end(tmp_path: Path) -> None:
    root = workspace(tmp_path / "shop", relationships=LINKS, sales=sales(ann=1, acme=2, bob=3))
    text = str(ckm.privacy.export(root, "ann").data.to_dict())
    assert text.count("referred_by") == 1
    assert "employs" in text
