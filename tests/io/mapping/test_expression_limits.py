"""Any expression is computed in bounded memory, or refused before a row is read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.errors import UsageError
from ckm.io.mapping.expression_limits import DEEPEST_BRACKETS, LONGEST_PADDING, MOST_CHARACTERS, MOST_COPIES
from ckm.io.mapping.expressions import parse_sql
from tests.ingest.workspace import Desk

MANY = 20_000
REFUSED = {
    "or": " OR ".join(f"a = {number}" for number in range(MANY)),
    "a short or": "a" + " OR a" * 2_500,
    "plus": "+".join(["a"] * 5_000),
    "brackets": "(" * MANY + "a" + ")" * MANY,
    "some brackets": "(" * 60 + "a" + ")" * 60,
    "casts": "CAST(" * 60 + "a" + " AS TEXT)" * 60,
    "colons": "'a'" + "::TEXT" * 300,
    "not": "NOT " * 300 + "a",
    "minus": "- " * 300 + "a",
    "case": "CASE WHEN a = 1 THEN 1 ELSE " * 300 + "1" + " END" * 300,
    "case when": "CASE " + "WHEN a = 1 THEN 2 " * 100 + "END",
    "lists": "[" * 100 + "1" + "]" * 100,
    "comments": "/*" * 9_000,
    "a long text": "'" + "x" * MOST_CHARACTERS + "'",
    "lpad": "lpad(a, 2000000000)",
    "lpad with a float": "lpad(a, 2e9)",
    "rpad by a row": "rpad(a, b)",
    "lpad within": "lpad(lpad(a, 900) || lpad(a, 900), 10)",
    "replace in replace": "replace(replace(replace(a, 'x', 'xxxxxxxx'), 'x', 'xxxxxxxx'), 'x', 'xxxxxxxx')",
    "replace by a column": "replace(a, 'x', b)",
    "replace nothing": "regexp_replace(a, '', '" + "x" * 30 + "', 'g')",
    "groups": "regexp_replace(a, '(.*)', '" + "$1" * 30 + "', 'g')",
    "concat": f"concat({','.join(['a'] * (MOST_COPIES + 1))})",
    "join": "array_to_string(string_to_array(a, ','), b)",
    "greatest of nothing": "greatest()",
    "least of nothing": "least( )",
    "too many digits": "CAST(a AS DECIMAL(50,40))",
    "more decimals than digits": "upper(a)::numeric(5,9)",
}
KEPT = {
    "or": " OR ".join(f"a = '{number}'" for number in range(130)),
    "in": f"a IN ({','.join(repr(str(number)) for number in range(1_500))})",
    "lpad": f"lpad(a, {LONGEST_PADDING}, '0')",
    "replace": "replace(replace(replace(a, 'ß', 'ss'), 'ä', 'ae'), 'x', '')",
    "concat": "concat(a, '-', b, '-', a)",
    "join": "array_to_string(string_to_array(a, ','), '; ')",
    "brackets": "(" * DEEPEST_BRACKETS + "a" + ")" * DEEPEST_BRACKETS,
    "case when": "CASE " + "WHEN a = '1' THEN 'b' " * 40 + "END",
    "functions": "upper(trim(split_part(a, '-', 1))) || strpos(a, 'x')::text",
    "pi": "pi() * 2",
    "digits": "CAST(a AS DECIMAL(38,38))",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_expressions_of_unbounded_cost_are_refused_with_their_location(sql: str) -> None:
    with pytest.raises(UsageError, match=r"^map:7: ") as caught:
        parse_sql(sql, where="map:7")
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("sql", KEPT.values(), ids=KEPT)
def test_usual_expressions_are_computed(sql: str) -> None:
    frame = pl.DataFrame({"a": ["1", "x-y", None], "b": ["3", "4", None]})
    assert frame.select(parse_sql(sql, where="map:7")).height in (1, 3)


def test_the_nesting_of_an_or_chain_does_not_change_its_value() -> None:
    frame = pl.DataFrame({"a": [1, 77, 300, None], "b": [True, False, None, None]})
    sql = " OR ".join(f"a = {number}" for number in range(100)) + " OR b AND a > 2"
    found = frame.select(parse_sql(sql, where="here")).to_series()
    assert found.to_list() == [True, True, None, None]


def test_texts_cannot_grow_through_a_chain_of_computed_columns(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.orders("a.csv", "A1,1,c,2025-01-01,1,EUR")
    columns = ["order_id: order_id", "ordered_at: ordered_at", "net: net", "a0: {expr: \"customer_id || '!'\"}"]
    columns += [f'a{step}: {{expr: "concat({",".join([f"a{step - 1}"] * 10)})"}}' for step in range(1, 12)]
    desk.mapping("m", "table: transactions\ncolumns:\n" + "".join(f"  {line}\n" for line in columns))
    (desk.root / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    found = desk.call(path, "--map", desk.root / "maps" / "m.yaml")
    assert found.exit_code == 2
    assert "more than 20 times" in found.stderr


@pytest.mark.parametrize("sql", ["now() > a", "CURRENT_DATE", "a < current_timestamp", "LOCALTIME"])
def test_no_expression_reads_the_clock(sql: str) -> None:
    with pytest.raises(UsageError, match="here: the expression reads the clock"):
        parse_sql(sql, where="here")
