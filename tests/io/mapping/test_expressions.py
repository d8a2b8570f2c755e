"""SQL expressions of mappings use one row at a time, and never fail on a value."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.errors import UsageError
from ckm.io.mapping.expressions import column_names, exactly, parse_sql


@pytest.mark.parametrize(
    "sql",
    [
        "sum(a) / a",
        "count(*)",
        "max(a) OVER (PARTITION BY b)",
        "lag(a) OVER (ORDER BY b)",
        "rank() OVER (ORDER BY a)",
        "first(a)",
    ],
)
def test_an_expression_over_other_rows_is_refused(sql: str) -> None:
    with pytest.raises(UsageError, match="here: the expression uses other rows"):
        parse_sql(sql, where="here")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a",
        "a IN (SELECT b FROM c)",
        "(SELECT a FROM read_csv('/absent.csv')) = a",
        "a IN (FROM read_csv('/absent.csv'))",
        "a IN (/* to read */ FROM '/absent.csv')",
        "a IN (VALUES (1))",
        "read_csv('/absent.csv') = a",
        "E'\\'' = b OR (SELECT a FROM read_csv('/absent.csv')) = E'\\''",
    ],
)
def test_a_query_is_refused_before_polars_opens_a_file_for_it(sql: str) -> None:
    with pytest.raises(UsageError, match="here: the expression contains a query"):
        parse_sql(sql, where="here")


@pytest.mark.parametrize("sql", ["a +", "", "a; b", "nonsense(a)", "a > 1e400"])
def test_an_invalid_expression_is_refused(sql: str) -> None:
    with pytest.raises(UsageError, match="here: bad SQL expression"):
        parse_sql(sql, where="here")


@pytest.mark.parametrize(
    "sql",
    [
        "CASE WHEN a = 'Len' THEN 'Agg' ELSE substr(a, 1, 2) END",
        'coalesce("Agg", a)',
        "a = 'select' -- select",
        "upper(a) || split_part(a, '-', 1)",
    ],
)
def test_quoted_names_and_literals_are_not_parsed_as_functions(sql: str) -> None:
    frame = pl.DataFrame({"a": ["x-y", "Len"], "Agg": ["1", None]})
    assert frame.select(parse_sql(sql, where="here")).height == 2


def test_a_cast_that_fails_gives_null() -> None:
    frame = pl.DataFrame({"a": ["1.5", "x", None]})
    assert frame.select(parse_sql("CAST(a AS DOUBLE) * 2", where="here")).to_series().to_list() == [3.0, None, None]


def test_each_column_of_an_expression_is_listed_once() -> None:
    assert column_names(parse_sql('a + a * "b c"', where="here")) == ["a", "b c"]


def test_a_name_that_looks_like_a_pattern_is_a_name() -> None:
    frame = pl.DataFrame({"*": [1], "a": [2]})
    assert frame.select(exactly("*")).columns == ["*"]
