"""A page with a pseudonym says in one line what it stands for, and a page without one does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
import pytest

from ckm._loyalty.churn import at_risk_list
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.loyalty import loyal_list
from ckm._loyalty.words import load_words
from ckm.pseudonym import pseudonym
from ckm.render.document import Block, Text
from tests._loyalty.example_loyalty import example_report


def notes(make: Callable[[LocalizedReport], Iterator[Block]], first_id: str, *, names: bool = False) -> list[str]:
    """Return the lines under a list whose first customer has this id."""
    report = example_report(names=names)
    ids = pl.Series("customer_id", [first_id])
    lists = {
        name: getattr(report, name).with_columns(customer_id=pl.concat([ids, getattr(report, name)["customer_id"][1:]]))
        for name in ("loyal", "at_risk")
    }
    localized = LocalizedReport(example_report(names=names, **lists), load_words("en"))
    return [block.text for block in make(localized) if isinstance(block, Text)]


@pytest.mark.parametrize("make", [loyal_list, at_risk_list])
def test_a_list_explains_a_pseudonym_once_and_only_if_it_shows_one(
    make: Callable[[LocalizedReport], Iterator[Block]],
) -> None:
    assert notes(make, pseudonym("mina@example.org")) == [load_words("en").say("text.pseudonym")]
    assert notes(make, "id-4711") == []
    assert notes(make, "mina@example.org", names=True) == []
