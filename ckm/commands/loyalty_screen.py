"""Terminal view of ``ckm loyalty-report`` without ``-o``: changes, metrics, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.output import Format, emit, emit_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.report import LoyaltyReport

WIDEST = 100
"""Maximum line length in columns."""
PLAIN = 80
"""Line length in columns if the width of the terminal is unknown."""
NUMBERS = (
    "revenue",
    "customers_active",
    "customers_new",
    "customers_retained",
    "customers_reactivated",
    "customers_lost",
    "retention_rate",
    "orders_per_customer",
    "average_order_value",
    "nps",
    "csat",
    "ces",
    "clv_mean",
    "value_at_risk",
)
"""Metrics in the table, in order."""
BY_USE = (0, 1, 3, 2)
"""Order in which columns are kept on a narrow terminal, by position: metric, value, change, interval."""
UNSEEN = dict.fromkeys(map(ord, "\u2060\u2066\u2067\u2068\u2069\u200e"))
"""Direction marks, which terminals without support show as boxes."""
FINDINGS = {"loyalty": 2, "growth_potential": 1, "churn": 1}
"""Number of findings shown per section."""


def show_loyalty(report: LoyaltyReport, lang: str = "en") -> None:
    """Print changes, metrics, findings and reasons for missing metrics, on one or two screens.

    Parameters
    ----------
    report
        The report.
    lang
        One of :data:`ckm.names.LANGUAGES`.
    """
    import polars as pl

    from ckm._loyalty.document import lead_of, title_of
    from ckm._loyalty.localized import LocalizedReport
    from ckm._loyalty.words import load_words

    localized = LocalizedReport(report, load_words(lang))
    emit_text(f"{_filled(title_of(localized))}\n\n{_filled(lead_of(localized))}\n")
    changes = [*_changes(localized)]
    if changes:
        emit_text("\n" + "".join(f"{_filled(each, '- ')}\n" for each in changes))
    rows = [*_rows(localized)]
    if rows:
        titles = [localized.say(f"column.{key}") for key in ("metric", "value", "interval", "change")]
        columns = {title: [row[place] for row in rows] for place, title in enumerate(titles)}
        emit_text("\n")
        by_use = [titles[place] for place in BY_USE]
        table = pl.DataFrame({title: cells for title, cells in columns.items() if any(cells)})
        emit(table, Format.table, by_use=by_use, elsewhere="-f csv")
    rest = [*_others(localized)]
    if rest:
        emit_text("\n" + "".join(f"{_filled(each, '- ')}\n" for each in rest))


def _changes(localized: LocalizedReport) -> Iterator[str]:
    from ckm._loyalty.changed import change_sentence, goal_sentence

    for change in localized.report.drivers:
        yield change_sentence(localized, change)
    for goal in localized.report.goals:
        yield goal_sentence(localized, goal)


def _rows(localized: LocalizedReport) -> Iterator[tuple[str, ...]]:
    for name in NUMBERS:
        each = localized.of(name)
        if each is not None:
            texts = (
                localized.title(name),
                localized.written(name, each.value),
                localized.between(name, each.lo, each.hi, exact=False),
                localized.change(each),
            )
            yield tuple(text.translate(UNSEEN) for text in texts)


def _others(localized: LocalizedReport) -> Iterator[str]:
    from ckm._loyalty.document import findings
    from ckm._loyalty.forecast_accuracy import forecast_accuracy_findings

    for section, most in FINDINGS.items():
        yield from findings(localized, section)[:most]
    yield from forecast_accuracy_findings(localized)
    sections = ("changed", "relationships", *FINDINGS, "data_quality")
    first_hidden = next((section for section in sections if localized.has_hidden(section)), None)
    for section in sections:
        yield from (text.text for text in localized.missing(section, suppression=section == first_hidden))


def _filled(text: str, mark: str = "") -> str:
    from ckm.render.screen import filled, window

    width = min(WIDEST, window() or PLAIN)
    return filled(text.translate(UNSEEN), width=width, mark=mark)
