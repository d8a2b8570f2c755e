"""Terminal view of ``ckm segment``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.output import Format, default_format, emit, emit_text, remark

if TYPE_CHECKING:
    import polars as pl

    from ckm._segment.moves import Moves
    from ckm.segment import Segmentation

COLUMNS = {
    "segment": "segment",
    "customers": "customers",
    "share": "share",
    "revenue": "revenue",
    "revenue_share": "revenue share",
    "median_recency_days": "recency (days)",
    "orders_per_customer": "orders per customer",
    "average_order_value": "average order value",
}
"""Columns of the summary on a screen, and their headers. The advice follows in a second table."""
FORMATS = {
    "share": "{:.1%}",
    "revenue": "{:,.0f}",
    "revenue share": "{:.1%}",
    "recency (days)": "{:,.0f}",
    "orders per customer": "{:.1f}",
    "average order value": "{:,.2f}",
}
BY_USE = (
    "segment",
    "customers",
    "revenue",
    "share",
    "recency (days)",
    "revenue share",
    "orders per customer",
    "average order value",
)
"""Columns of the summary, the most used first."""
MOVES_BY_USE = ("from", "to", "customers", "behaviour", "ageing", "definition")
"""Columns of the largest moves, the most used first."""
MOST_MOVES = 12
"""Maximum number of moves between two segments that a screen lists with their causes; the matrix has all moves."""


def show_summary(result: Segmentation, label: str) -> None:
    """Print one row per segment, and the recommended action for each."""
    import polars as pl

    from ckm._segment.result import AMOUNTS

    columns = [(name, header) for name, header in COLUMNS.items() if result.money_known or name not in AMOUNTS]
    emit(
        result.summary.select(pl.col(name).alias(header) for name, header in columns),
        Format.table,
        title=f"{label} as of {result.as_of}" + (f", money in {result.currency}" if result.money_known else ""),
        bars="share",
        formats=FORMATS,
        by_use=BY_USE,
        elsewhere="-f csv",
    )
    emit_text("\n")
    borne = result.summary.filter(pl.col("customers") > 0)
    emit(borne.select("segment", pl.col("advice").alias("what to do")), Format.table)


def show_moves(result: Segmentation, label: str) -> None:
    """Print the matrix of segment changes, and the causes of the most frequent ones."""
    import polars as pl

    moves = result.moves
    assert moves is not None
    emit(
        _matrix(moves, [segment.name for segment in result.definition.definition.segments]),
        Format.table,
        title=f"{label}: segments on {moves.since} (rows) and on {result.as_of} (columns)",
        elsewhere="-f csv",
    )
    moved = moves.matrix.filter(pl.col("previous_segment").ne_missing(pl.col("segment")))
    if moved.is_empty():
        return
    emit_text("\n")
    emit(
        moved.sort("customers", descending=True, maintain_order=True)
        .head(MOST_MOVES)
        .select(
            pl.col("previous_segment").fill_null("(new)").alias("from"),
            pl.col("segment").fill_null("(none)").alias("to"),
            *(
                pl.when(pl.col(column) > 0).then(pl.col(column)).alias(column)
                for column in ("customers", "behaviour", "ageing", "definition")
            ),
        ),
        Format.table,
        title="largest moves by cause",
        by_use=MOVES_BY_USE,
        elsewhere="-f csv",
    )
    if moved.height > MOST_MOVES:
        remark(f"{moved.height - MOST_MOVES} smaller moves are not shown; -f csv has all")


def _matrix(moves: Moves, names: list[str]) -> pl.DataFrame:
    """Return the matrix with numbers as column headers, because a dozen names do not fit on a screen."""
    import polars as pl

    counts = {(before, after): customers for before, after, customers, *_ in moves.matrix.iter_rows()}
    former = [name for name in moves.matrix["previous_segment"].drop_nulls().unique() if name not in names]
    rows = [*names, *sorted(former), *([None] if any(before is None for before, _ in counts) else [])]
    columns = [*names, *([None] if any(after is None for _, after in counts) else [])]
    numbers = {name: str(number) for number, name in enumerate(names, 1)}
    return pl.DataFrame(
        {
            "": [numbers.get(name, "") if name else "" for name in rows],
            "segment": [name or "(new)" for name in rows],
            **{
                numbers[name] if name else "(gone)": pl.Series(
                    [counts.get((row, name)) for row in rows], dtype=pl.Int64
                )
                for name in columns
            },
        }
    )


def show_details(result: Segmentation, fmt: Format | None) -> None:
    """Print the detail tables; a machine format has them as one table with the column ``table``."""
    import polars as pl

    if (fmt or default_format()) is Format.table:
        for number, detail in enumerate(result.details):
            emit_text("\n" if number else "")
            emit(detail.frame, Format.table, title=detail.title, formats=detail.formats)
        return
    frames = [detail.frame.select(pl.lit(detail.title).alias("table"), pl.all()) for detail in result.details]
    emit(pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame({"table": []}), fmt)
