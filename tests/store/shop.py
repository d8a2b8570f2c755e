"""A table ``orders`` with few columns, and functions that load rows into it and read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.store import LoadFacts, OnConflict, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "line_no": pl.String(),
        "customer_id": pl.String(),
        "net": pl.Float64(),
        "source_row": pl.Int64(),
    }
)
KEY = ("order_id", "line_no")
CONTENT = ("order_id", "line_no", "customer_id", "net")
Row = tuple[str, str | None, str | None, float]


def rows_frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame([(*row, number) for number, row in enumerate(rows, 1)], schema=SCHEMA, orient="row")


def load(
    store: Store,
    rows: Sequence[Row],
    file: str,
    *,
    on_conflict: OnConflict | None = None,
    source: str = "web",
    batch: int = 3,
    bad: int = 0,
    reading: str = "",
    more: dict[str, pl.Expr] | None = None,
) -> LoadFacts:
    """Load ``rows`` as one file, in batches; ``bad`` is the number of quarantined rows."""
    frame = rows_frame(rows).with_columns(**(more or {}))
    facts = LoadFacts("", "orders", "load", file, f"sha-{file}", f"content-{file}{reading}", source, KEY, CONTENT)
    with store.locked():
        writer = store.begin(facts, schema=frame.schema, expected_rows=len(rows))
        for start in range(0, len(frame), batch):
            writer.add(frame[start : start + batch])
        if bad:
            writer.quarantine(quarantined(writer.facts.load_id, file, bad))
        return writer.finish(on_conflict)


def quarantined(load_id: str, file: str, count: int) -> pl.DataFrame:
    from ckm.store.side_tables import SCHEMA as QUARANTINE_SCHEMA

    rows = [(load_id, "orders", "web", f"sha-{file}", file, row, "a", ["net|number"], "{}") for row in range(count)]
    return pl.DataFrame(rows, schema=QUARANTINE_SCHEMA, orient="row")


def contents(store: Store) -> list[Row]:
    """Return the rows of the table, sorted."""
    if "orders" not in store.tables():
        return []
    found = store.scan("orders").select(CONTENT).collect().rows()
    return sorted(found, key=lambda row: tuple(str(value) for value in row))
