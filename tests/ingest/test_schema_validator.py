"""Validation of rows against the rules of a table, batch by batch."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.ingest import schema_validator
from ckm.ingest.schema_validator import ROW, SchemaValidator
from ckm.schema import TABLES, TRANSACTION_TYPES

TRANSACTIONS = TABLES["transactions"]
words = st.lists(
    st.tuples(st.sampled_from(["EUR", "USD", "eur", "E", None]), st.sampled_from([*TRANSACTION_TYPES, "gift", None])),
    min_size=1,
    max_size=6,
)


def rows(pairs: list[tuple[str | None, str | None]]) -> pl.DataFrame:
    """Return rows whose only invalid values are in ``currency`` and ``type``."""
    frame = pl.DataFrame(schema=TRANSACTIONS.dtypes).clear(len(pairs))
    moment = pl.lit("2025-01-02").str.to_datetime(time_unit="us", time_zone="UTC")
    return frame.with_columns(
        pl.Series("currency", [currency for currency, _ in pairs], dtype=pl.String),
        pl.Series("type", [kind for _, kind in pairs], dtype=pl.String),
        order_id=pl.lit("1"),
        net=pl.lit(1.0),
        ordered_at=moment,
    )


def expected(currency: str | None, kind: str | None) -> list[str]:
    """Return the rules that a row violates, as the validator names them."""
    broken = []
    if currency not in ("EUR", "USD"):
        broken.append("currency|nullability" if currency is None else "currency|regex")
    if kind not in TRANSACTION_TYPES:
        broken.append("type|nullability" if kind is None else "type|vocabulary")
    return broken


@pytest.mark.slow
@given(st.lists(words, min_size=1, max_size=3), st.sampled_from([0, 2, 1000]))
def test_a_row_is_validated_the_same_with_new_known_or_too_many_distinct_values(
    batches: list[list[tuple[str | None, str | None]]], few: int
) -> None:
    before, schema_validator.FEW_WORDS = schema_validator.FEW_WORDS, few
    try:
        rules = SchemaValidator(TRANSACTIONS)
        for batch in batches:
            frame = rows(batch)
            verdict = rules.sort(frame, pl.Series([None] * len(batch), dtype=pl.List(pl.String)))
            found = {row: sorted(reasons) for row, reasons in verdict.broken.select(ROW, "reasons").iter_rows()}
            reasons = {row: broken for row, pair in enumerate(batch) if (broken := expected(*pair))}
            assert found == reasons
            assert len(verdict.good) == len(batch) - len(reasons)
    finally:
        schema_validator.FEW_WORDS = before
