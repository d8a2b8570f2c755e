"""Terminal and Markdown views of ``ckm churn-warn``: the warnings, and the accuracy of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.output import Format, emit, emit_text, remark
from ckm.plaintext import markdown_line, markdown_text
from ckm.pseudonym import PREFIX, shown_ids
from ckm.remark import assumption, basis

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ckm.churn import ChurnWarnings

GAIN, CHANCE = "expected gain ↓", "churn probability ↓"
"""Headers of the sort column: the first if amounts are known, else the second."""
BY_USE = (
    "customer",
    GAIN,
    "level",
    "top reason",
    "churn probability",
    CHANCE,
    "knowledge entry",
    "value at risk",
    "do not contact",
    "bought",
    "change",
)
"""Columns of the list, the most used first."""
SUMMARY_BY_USE = ("level", "customers", "expected gain", "value at risk", "do not contact", "without entry")
"""Columns of the summary, the most used first."""
SCORES_BY_USE = ("model", "cut_off", "auc", "brier", "calibration_error", "n", "base_rate", "lift_top_decile")
"""Columns of the backtest, the most used first."""
LISTED = 20
"""Maximum number of warnings on a screen or in Markdown; a file has all of them."""
FORMATS = {"churn probability": "{:.0%}", CHANCE: "{:.0%}", "value at risk": "{:,.0f}", GAIN: "{:,.0f}"}
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
    """Print the summary by level, and the first customers of the list."""
    from ckm.wording import counted

    days = result.forecast.horizon.days
    title = f"{label} as of {result.as_of}: {counted(result.warned, 'customer')} likely to churn within {days} days" + (
        f", {result.value} in {result.currency}" if result.money_known else ""
    )
    summary = _summary(result)
    emit(summary, Format.table, title=title, formats=SUMMARY_FORMATS, by_use=SUMMARY_BY_USE, elsewhere="-f csv")
    emit_text("\n")
    emit(_short(result), Format.table, formats=FORMATS, by_use=BY_USE)
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
    """Print the backtest: accuracy of each model, and of recency alone, at each past cut-off."""
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
    emit(frame, fmt, output=output, title=title, formats=SCORE_FORMATS, by_use=SCORES_BY_USE)


def _summary(result: ChurnWarnings) -> pl.DataFrame:
    from ckm._churn.warning_list import AMOUNTS

    columns = {name: header for name, header in SUMMARY_COLUMNS.items() if result.money_known or name not in AMOUNTS}
    return result.summary.select(*columns).rename(columns)


def _short(result: ChurnWarnings) -> pl.DataFrame:
    """Return the first :data:`LISTED` customers with readable headers."""
    import polars as pl

    answer = pl.col("answers").list.first()
    mostly = pl.coalesce("top_category", "top_product")
    last = pl.format("last on {}", pl.col("last_order").dt.to_string("%Y-%m-%d"))
    shown = result.frame.head(LISTED)
    listed = shown.select(
        shown_ids(shown["customer_id"]).alias("customer"),
        "level",
        pl.col("p_churn").alias("churn probability" if result.money_known else CHANCE),
        pl.col("value_at_risk").alias("value at risk"),
        pl.col("expected_gain").alias(GAIN),
        pl.col("why").alias("top reason"),
        pl.when(mostly.is_null()).then(last).otherwise(pl.format("{}, {}", mostly, last)).alias("bought"),
        answer.replace_strict(result.titles, default=None, return_dtype=pl.String).alias("knowledge entry"),
        pl.col("suppressed").alias("do not contact"),
        "change",
    )
    return listed if result.money_known else listed.drop("value at risk", GAIN)


def _say_more(result: ChurnWarnings) -> None:
    listed = result.frame["customer_id"].head(LISTED)
    if result.frame.height > LISTED:
        remark(basis(f"{result.frame.height - LISTED:,} more are not shown; -o FILE or -f csv lists all of them"))
    if not shown_ids(listed).equals(listed):
        replaced = f"'{PREFIX}…' replaces an id that is an e-mail address or a phone number"
        remark(assumption(f"{replaced}; -o FILE or -f csv lists the ids"))
    remark(result.levels)
    if result.money_known:
        remark(result.curve.sentence(result.currency))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
