"""Mapping files are read back equal, and every error names its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.errors import UsageError
from ckm.io.mapping.mapping import (
    MEANINGS,
    Constant,
    Expression,
    FromColumn,
    FromColumns,
    Mapping,
    RowRule,
    StatusRule,
    dump_mapping,
)
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.readers.hints import Hints
from ckm.io.values.style_detection import DATE_WORDS
from ckm.schema import TABLES
from tests.conftest import examples

FULL = """\
schema: ckm.map/1
name: web-shop                # the source
files: ["incoming/web-*.csv"]
table: transactions
format: {encoding: , delimiter: ";", header: 3, decimal: ",", thousands: ".", dates: "%d.%m.%Y", null_values: ["", X]}
time_zone: Europe/Berlin
key: [order_id, line_no]
columns:
  order_id: Bestellnummer
  currency: {value: EUR}
  net: {expr: "quantity * unit_price"}
  discount:
rules:
  - {name: no_test_orders, expr: "customer_id <> 'TEST'"}
  - {name: small, expr: "net < 1000", action: flag}
translate:
  type: {Retoure: return, no: sale, 01: cancel}
drop: [Notiz]
"""


def load(folder: Path, text: str) -> Mapping:
    path = folder / "web.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_a_mapping_has_all_entries_of_its_file(tmp_path: Path) -> None:
    assert load(tmp_path, FULL) == Mapping(
        name="web-shop",
        table="transactions",
        files=("incoming/web-*.csv",),
        hints=Hints(delimiter=";", header=3, decimal=",", thousands=".", dates="%d.%m.%Y", null_values=("", "X")),
        time_zone="Europe/Berlin",
        key=("order_id", "line_no"),
        columns={
            "order_id": FromColumn("Bestellnummer"),
            "currency": Constant("EUR"),
            "net": Expression("quantity * unit_price"),
        },
        rules=(RowRule("no_test_orders", "customer_id <> 'TEST'"), RowRule("small", "net < 1000", "flag")),
        translate={"type": {"Retoure": "return", "no": "sale", "01": "cancel"}},
        drop=("Notiz",),
    )


def test_the_name_defaults_to_the_files_stem_and_the_key_to_the_tables(tmp_path: Path) -> None:
    mapping = load(tmp_path, "schema: ckm.map/1\ntable: transactions\n")
    assert mapping.name == "web"
    assert mapping.key_columns == ("order_id", "line_no")


@pytest.mark.parametrize(
    ("line", "written", "message", "hint"),
    [
        (4, "tabel: transactions", "unknown key 'tabel'", "'table'"),
        (4, "table: transaction", "unknown table 'transaction'", "'transactions'"),
        (5, "format: {delimeter: ','}", "unknown key 'delimeter'", "'delimiter'"),
        (5, "format: {header: first}", "'header' must be a line number", None),
        (5, "format: [a]", "'key: value' pairs are expected", None),
        (5, "format: {null_values: NULL x}", "a list is expected", None),
        (6, "time_zone: Europe/Berln", "unknown time zone 'Europe/Berln'", "Europe/Berlin"),
        (7, "key: [order_id, lineno]", "unknown column for the key: 'lineno'", "'line_no'"),
        (9, "  order_idd: Bestellnummer", "unknown column of transactions: 'order_idd'", "'order_id'"),
        (9, "  load_id: Bestellnummer", "'load_id' is a reserved column name", None),
        (9, "  order_id: [a, b]", "one value is expected", None),
        (10, "  currency: {valeu: EUR}", "unknown key 'valeu'", "'value'"),
        (
            10,
            "  currency: {value: EUR, expr: a}",
            "'currency' needs one of 'value', 'expr', 'first' and 'columns'",
            None,
        ),
        (10, "  order_id: Nummer", "duplicate key 'order_id', first in line 9", None),
        (11, '  net: {expr: "quantity * * unit_price"}', "bad SQL expression", "ckm help mapping"),
        (11, '  net: {expr: "sum(quantity)"}', "uses other rows", "belong in an analysis"),
        (11, '  net: {expr: "row_number() over (order by net)"}', "uses other rows", None),
        (14, "  - {name: a, expr: b, action: drop}", "unknown action 'drop'", "quarantine, flag"),
        (14, "  - {name: a}", "a rule without 'expr'", None),
        (15, "  - {name: no_test_orders, expr: b}", "two rules have the name", None),
        (17, "  type: [Retoure]", "pairs are expected", None),
        (18, "drop: {a: b}", "a list is expected", None),
        (18, "drop: [a", "", "indentation and quotes"),
        (1, "schema: ckm.map/2", "unsupported 'schema'", "ckm.map/1"),
    ],
)
def test_an_error_names_file_line_and_a_similar_name(
    tmp_path: Path, line: int, written: str, message: str, hint: str | None
) -> None:
    lines = FULL.splitlines()
    lines[line - 1] = written
    with pytest.raises(UsageError) as caught:
        load(tmp_path, "\n".join(lines))
    # The parser reports an open bracket at the end of the file, which may be a line below.
    assert f"web.yaml:{line}:" in str(caught.value) or ("[a" in written and "web.yaml:" in str(caught.value))
    assert message in str(caught.value)
    if hint:
        assert hint in f"{caught.value.hint} {caught.value}"


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "[]", "just text", "schema: ckm.map/1\n", "a: b: c", "\x00", "&a [*a]"]
)
def test_an_invalid_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"web\.yaml"):
        load(tmp_path, text)


def test_a_file_that_is_missing_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "web.yaml").write_bytes("name: Käse".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        load_mapping(tmp_path / "web.yaml")


def test_a_target_outside_of_the_schema_is_valid(tmp_path: Path) -> None:
    mapping = load(tmp_path, "schema: ckm.map/1\ntable: transactions\ncolumns: {net_eur: A, warehouse: B}\n")
    assert list(mapping.columns) == ["net_eur", "warehouse"]


DOCS = Path(__file__).parents[3] / "docs" / "reference" / "mapping.md"

names = st.text(min_size=1, max_size=12).filter(lambda text: not any(0xD800 <= ord(letter) < 0xE000 for letter in text))
sources = st.one_of(
    names.map(FromColumn),
    names.map(Constant),
    st.builds(FromColumns, st.lists(names, min_size=1, max_size=2).map(tuple), st.sampled_from(["first", "columns"])),
    st.sampled_from(["quantity * unit_price", "'a:b' || x"]).map(Expression),
)
mappings = st.builds(
    Mapping,
    name=names,
    table=st.sampled_from(sorted(TABLES)),
    files=st.lists(names, max_size=2).map(tuple),
    hints=st.builds(
        Hints,
        delimiter=st.none() | st.sampled_from([";", "\t", "whitespace"]),
        header=st.none() | st.just("none") | st.integers(1, 9),
        decimal=st.none() | st.just(","),
        dates=st.none() | st.just("dmy"),
        null_values=st.none() | st.lists(st.just("") | names, min_size=1, max_size=3).map(tuple),
    ),
    time_zone=st.none() | st.just("Asia/Bangkok"),
    columns=st.dictionaries(st.sampled_from(["email", "text", "net", "x1"]), sources, max_size=3).map(
        lambda rules: {f"extra {target}": rule for target, rule in rules.items()}
    ),
    rules=st.lists(names, max_size=2, unique=True).map(
        lambda found: tuple(RowRule(name, "a < b", "flag") for name in found)
    ),
    translate=st.dictionaries(names, st.dictionaries(names, names, min_size=1, max_size=2), max_size=2),
    drop=st.lists(names, max_size=2).map(tuple),
    order_level=st.lists(names, max_size=2).map(tuple),
    status=st.lists(
        st.builds(
            StatusRule,
            names,
            st.dictionaries(names, st.sampled_from(MEANINGS), min_size=1, max_size=2),
            st.none() | st.sampled_from(MEANINGS),
            st.none() | st.sampled_from(MEANINGS),
        ),
        max_size=2,
    ).map(tuple),
    minor_units=st.just(()),
    guest_ids=st.lists(names, max_size=2).map(tuple),
    whole_orders=st.booleans(),
    aside=st.lists(names, max_size=2).map(tuple),
)


@pytest.mark.slow
@settings(max_examples=examples(80))
@given(mappings)
def test_a_dumped_mapping_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, mapping: Mapping) -> None:
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump_mapping(mapping), encoding="utf-8")
    loaded = load_mapping(path)
    assert loaded == mapping
    assert loaded.fingerprint == mapping.fingerprint


def test_every_entry_of_a_mapping_changes_its_fingerprint(tmp_path: Path) -> None:
    one, other = load(tmp_path, FULL), load(tmp_path, FULL.replace("EUR", "USD"))
    assert one.fingerprint != other.fingerprint
    assert load(tmp_path, FULL.replace("# the source", "")).fingerprint == one.fingerprint


def test_the_documented_mapping_loads(tmp_path: Path) -> None:
    page = DOCS.read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert load(tmp_path, example).table == "transactions"


def test_the_documented_date_formats_are_the_supported_ones() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert all(f"`{word}`" in page for word in DATE_WORDS)
