"""Terminal and Markdown views of ``ckm churn-warn``: the warnings, and the accuracy of the models."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ckm.output import Format, emit, emit_text, note
from ckm.plaintext import markdown_line, markdown_text
from ckm.pseudonym import PREFIX, shown_ids

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ckm.churn import ChurnWarnings

WIDE_SCREEN = 150
"""Characters that all columns of the list need without folding a sentence."""
NARROW_FORMATS = {"probability": "{:.0%}", "at risk": "{:,.0f}"}
"""Formats of the columns on a narrower screen."""
LISTED = 20
"""Warnings on a screen or in Markdown; a file has all of them."""
FORMATS = {"churn probability": "{:.0%}", "value at risk": "{:,.0f}", "expected gain": "{:,.0f}"}
SUMMARY_COLUMNS = {
    "level": "level",
    "customers": "customers",
    "suppressed": "do not contact",
    "value_at_risk": "value at risk",
    "expected_gain": "expected gain",
    "unanswered_share": "without entry",
}
"""Headers of the summary."""
SUMMARY_FORMATS = {"value at risk": "{:,.0f}", "expected gain": "{:,.0f}", "without entry": "{:.0%}"}
SCORE_FORMATS = {
    "base_rate": "{:.3f}",
    "auc": "{:.3f}",
    "average_precision": "{:.3f}",
    "log_loss": "{:.4f}",
    "brier": "{:.4f}",
    "calibration_error": "{:.4f}",
    "lift_top_decile": "{:.2f}",
}


def show_warnings(result: ChurnWarnings, label: str) -> None:
    """Print the summary by level, and the best of the list."""
    from ckm.wording import counted

    days = result.forecast.horizon.days
    title = f"{label} as of {result.as_of}: {counted(result.warned, 'customer')} likely to churn within {days} days" + (
        f", {result.value} in {result.currency}" if result.money_known else ""
    )
    emit(_summary(result), Format.table, title=title, formats=SUMMARY_FORMATS)
    emit_text("\n")
    listed = _short(result)
    narrow = sys.stdout.isatty() and get_terminal_size().columns < WIDE_SCREEN
    emit(_narrow(listed) if narrow else listed, Format.table, formats=NARROW_FORMATS if narrow else FORMATS)
    if narrow:
        note(
            f"a screen of {WIDE_SCREEN} characters, or -f csv, also shows expected gains, knowledge entries and changes"
        )
    _say_more(result)


def show_mail(result: ChurnWarnings, label: str) -> None:
    """Print the warnings as Markdown."""
    from ckm.wording import counted

    days = result.forecast.horizon.days
    at_risk = result.summary["value_at_risk"].sort().sum()
    money = f"; value at risk {at_risk:,.0f} {result.currency} of yearly {result.value}" if result.money_known else ""
    curve = f"{markdown_line(_sentence(result.curve.sentence(result.currency)))}\n\n" if result.money_known else ""
    emit_text(
        f"# Churn warnings: {markdown_text(label)}, {result.as_of}\n\n"
        f"{counted(result.warned, 'customer')} are likely to churn within {days} days{money}.\n\n"
    )
    emit(_summary(result), Format.md, formats=SUMMARY_FORMATS)
    emit_text("\n## Contact first\n\n")
    emit(_short(result), Format.md, formats=FORMATS)
    emit_text(
        f"\n{curve}{markdown_line(_sentence(result.levels))}\n\n_{markdown_text(_sentence(result.assumptions))}_\n"
    )
    _say_more(result)


def show_backtest(result: ChurnWarnings, fmt: Format | None, output: Path | None) -> None:
    """Print the accuracy of each model at each past cut-off, beside plain recency."""
    import polars as pl

    from ckm.customers.calendar import calendar_day

    backtest = result.forecast.backtest
    assert backtest is not None
    rows = [
        {
            "model": score.model,
            "cut_off": None if score.cutoff is None else calendar_day(score.cutoff),
            "n": score.n,
            **{name: getattr(score, name) for name in SCORE_FORMATS},
        }
        for score in backtest.scores
    ]
    for name in dict.fromkeys(score.model for score in backtest.scores):
        mean = backtest.mean(name)
        rows.append(
            {"model": name, "cut_off": None, "n": mean.n, **{each: getattr(mean, each) for each in SCORE_FORMATS}}
        )
    frame = pl.DataFrame(rows).with_columns(pl.col(list(SCORE_FORMATS)).fill_nan(None))
    title = f"Accuracy of each model, {backtest.horizon} days ahead (no date: the mean)"
    emit(frame, fmt, output=output, title=title, formats=SCORE_FORMATS)


def _summary(result: ChurnWarnings) -> pl.DataFrame:
    from ckm._churn.warning_list import AMOUNTS

    columns = {name: header for name, header in SUMMARY_COLUMNS.items() if result.money_known or name not in AMOUNTS}
    return result.summary.select(*columns).rename(columns)


def _short(result: ChurnWarnings) -> pl.DataFrame:
    """Return the listed customers under readable headers."""
    import polars as pl

    answer = pl.col("answers").list.first()
    mostly = pl.coalesce("top_category", "top_product")
    last = pl.format("last on {}", pl.col("last_order").dt.to_string("%Y-%m-%d"))
    shown = result.frame.head(LISTED)
    listed = shown.select(
        shown_ids(shown["customer_id"]).alias("customer"),
        "level",
        pl.col("p_churn").alias("churn probability"),
        pl.col("value_at_risk").alias("value at risk"),
        pl.col("expected_gain").alias("expected gain"),
        pl.col("why").alias("top reason"),
        pl.when(mostly.is_null()).then(last).otherwise(pl.format("{}, {}", mostly, last)).alias("bought"),
        answer.replace_strict(result.titles, default=None, return_dtype=pl.String).alias("knowledge entry"),
        pl.col("suppressed").alias("do not contact"),
        "change",
    )
    return listed if result.money_known else listed.drop("value at risk", "expected gain")


def _narrow(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the same with short headers, which leave more width for the reasons."""
    import polars as pl

    return listed.select(
        "customer",
        "level",
        pl.col("churn probability").alias("probability"),
        pl.col("^value at risk$").name.map(lambda _: "at risk"),
        pl.format("{} ({})", "top reason", "bought").alias("top reason (last purchase)"),
    )


def _say_more(result: ChurnWarnings) -> None:
    note(result.levels)
    if not shown_ids(result.frame["customer_id"].head(LISTED)).equals(result.frame["customer_id"].head(LISTED)):
        note(f"'{PREFIX}…' replaces an id that is an e-mail address or a phone number; -o FILE or -f csv lists the ids")
    if result.frame.height > LISTED:
        note(f"{result.frame.height - LISTED:,} more are not shown; -o FILE or -f csv lists all of them")
    if result.money_known:
        note(result.curve.sentence(result.currency))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
