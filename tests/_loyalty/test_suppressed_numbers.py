"""A suppressed part of a chart is a dash beside its name, and never a zero or a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ckm._loyalty.changed import revenue_by_kind, revenue_drivers
from ckm._loyalty.churn import churn_drivers, risk_levels
from ckm._loyalty.growth_potential import headroom
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.loyalty import loyalty_matrix
from ckm._loyalty.relationships import lifecycle_stages
from ckm._loyalty.words import load_words
from ckm.metrics.catalogue import load_catalogue
from ckm.metrics.metric import Metrics, Missing
from ckm.render.document import Block, Figure
from tests._loyalty.example_loyalty import example_metrics, example_report

PARTS: dict[str, tuple[str, str, str, Callable[[LocalizedReport], Iterator[Block]]]] = {
    "lifecycle_stage": ("state", "cooling", "Cooling", lifecycle_stages),
    "change_by_kind": ("kind", "lost", "Lost", revenue_by_kind),
    "value_at_risk": ("level", "warn", "Warn", risk_levels),
    "headroom": ("segment", "grow", "Grow", headroom),
    "loyalty_matrix_cell": ("loyalty", "latent", "Latent loyalty", loyalty_matrix),
}


def figure(name: str, *, suppressed: bool) -> Figure:
    """Return the chart of a metric, of whose parts one is suppressed."""
    dimension, value, _, chart = PARTS[name]
    kept = [each for each in example_metrics() if not (suppressed and each.of(dimension) == value)]
    section = load_catalogue()[name].section
    missing = (Missing(section, "hidden_cells", (("count", 1), ("min_group_size", 5))),) if suppressed else ()
    localized = LocalizedReport(example_report(metrics=Metrics(kept), missing=missing), load_words("en"))
    (found,) = (block for block in chart(localized) if isinstance(block, Figure))
    return found


@pytest.mark.parametrize("name", PARTS)
def test_a_suppressed_part_is_named_in_chart_and_table_with_a_dash(name: str) -> None:
    title = PARTS[name][2]
    whole, without = (figure(name, suppressed=suppressed) for suppressed in (False, True))
    assert [row[0] for row in without.table.rows] == [row[0] for row in whole.table.rows]
    row, dashed = (next(row for row in each.table.rows if row[0] == title) for each in (whole, without))
    changed = [cell for cell, before in zip(dashed, row, strict=True) if cell != before]
    assert changed
    assert set(changed) <= {"–", ""}
    assert title in str(without.specification)
    assert "–" in str(without.specification)


@pytest.mark.parametrize("name", PARTS)
def test_a_headline_gives_no_sum_of_which_a_part_is_suppressed(name: str) -> None:
    assert figure(name, suppressed=False).headline != load_catalogue()[name].title
    headline = figure(name, suppressed=True).headline
    if name == "value_at_risk":  # the total is a metric of its own, which the first page shows
        total = LocalizedReport(example_report(), load_words("en")).number(name)
        assert headline == f"€{total:,.0f} is at risk."
    else:
        assert headline == load_catalogue()[name].title


@pytest.mark.parametrize(
    ("name", "dimension", "value", "chart"),
    [
        ("change_by_slice", "value", "company", revenue_drivers),
        ("reason_value", "reason", "open_complaint", churn_drivers),
    ],
)
def test_suppressed_parts_of_unknown_names_are_one_dash(
    name: str, dimension: str, value: str, chart: Callable[[LocalizedReport], Iterator[Block]]
) -> None:
    section = load_catalogue()[name].section
    hidden = (Missing(section, "hidden_cells", (("count", 1), ("min_group_size", 5))),)
    kept = [each for each in example_metrics() if not (each.name == name and each.of(dimension) == value)]
    for metrics, missing, is_marked in ((example_metrics(), (), False), (kept, hidden, True)):
        localized = LocalizedReport(example_report(metrics=Metrics(metrics), missing=missing), load_words("en"))
        found = next(block for block in chart(localized) if isinstance(block, Figure))
        assert ("Suppressed" in str(found.specification)) == is_marked


def test_every_section_with_a_dash_says_what_it_marks() -> None:
    sections = ("changed", "relationships", "churn")
    missing = tuple(Missing(each, "hidden_cells", (("count", 1), ("min_group_size", 5))) for each in sections)
    localized = LocalizedReport(example_report(missing=missing), load_words("en"))
    assert all(len(list(localized.missing(each))) == 1 for each in sections)
