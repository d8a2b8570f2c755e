"""YAML that people write: knowledge entries, settings, mappings, segment rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.fuzz.case import Case
from tests.fuzz.tables import GOOD

ODD_YAML = st.sampled_from(
    ["", "~", "yes", "012", "1e999", ".nan", "2025-02-30", "!!binary x", "&a [*a]", "{a: *b}", "? x", "- - -", "|\n  x",
     '"\\uD800"', "'", "[", "{", "\t", "# x", "<<: {a: b}", "!!python/object:os.system x", "5%", "-1d", "0", "@",
     "`", "%"]
)  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["x", "de", "2025-01-01", "Ärger", "客服", "[](", "{{x}}", "\x85", "1" * 30]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def written(plain: Any) -> str:
    """Return a value as YAML."""
    text: str = yaml.safe_dump(plain, allow_unicode=True, sort_keys=False)
    return text


def encoded(text: str) -> bytes:
    """Return a text as bytes; halves of an emoji stay what they are, and are no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def spoilt(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return texts of which some have odd YAML for what follows a colon, or one line twice."""

    def change(found: tuple[str, int, str, str]) -> str:
        whole, at, odd, how = found
        lines = whole.splitlines() or [""]
        place = at % len(lines)
        if how == "value":
            lines[place] = lines[place].partition(":")[0] + ": " + odd
        elif how == "twice":
            lines.insert(place, lines[place])
        elif how == "indent":
            lines[place] = " " + lines[place]
        return "\n".join(lines) + "\n"

    how = st.sampled_from(["whole"] * 6 + ["value", "twice", "indent"])
    return st.tuples(text, st.integers(0, 40), ODD_YAML, how).map(change)


@cache
def entry_values() -> dict[str, Any]:
    """Return the keys of an entry with strategies of values that the JSON Schema names for them."""
    schema = json.loads(files("ckm").joinpath("data", "knowledge_entry.json").read_text(encoding="utf-8"))
    return {name: values_of(part, schema) for name, part in schema["properties"].items()}


def values_of(part: Any, schema: Any) -> st.SearchStrategy[Any]:
    """Return what fits a part of a JSON Schema, roughly, and sometimes what does not."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    choices: list[st.SearchStrategy[Any]] = [VALUES]
    for key in ("anyOf", "oneOf"):
        choices += [values_of(each, schema) for each in part.get(key, ())]
    if "enum" in part:
        choices = [st.sampled_from(part["enum"])] * 3 + choices
    if "const" in part:
        choices = [st.just(part["const"])] * 3 + choices
    if "properties" in part:
        inner = {name: values_of(each, schema) for name, each in part["properties"].items()}
        choices = [st.fixed_dictionaries({}, optional=inner)] * 3 + choices
    if "items" in part:
        choices = [st.lists(values_of(part["items"], schema), max_size=3)] * 2 + choices
    if part.get("type") == "string":
        choices = [TEXTS] * 3 + choices
    return st.one_of(choices)


@st.composite
def entry_cases(draw: st.DrawFn) -> Case:
    """Return a file of entries with values that fit and values that do not."""
    needed = {
        "schema": "ckm.kb/1", "id": "odd", "kind": "for", "title": "Odd", "issue": "Odd things", "resolution": "None",
        "state": {"confidence": "wip"}, "review": {"owner": "me"}, "provenance": {"origin": "question"},
    }  # fmt: skip
    documents = []
    for _ in range(draw(st.integers(1, 2))):
        odd = {name: draw(value) for name, value in entry_values().items() if draw(st.integers(0, 5)) == 0}
        documents.append(written({**needed, **odd}))
    text = draw(spoilt(st.just("---\n".join(documents))))
    commands = (
        ("kb-lint", "-f", "json"), ("kb-lint",), ("kb-lint", "-f", "sarif", "-o", "out/lint.sarif"),
        ("kb-search", "odd", "-f", "json"), ("kb-search", "odd things"), ("kb-show", "odd"), ("kb-show", "odd",
        "-f", "json"),
    )  # fmt: skip
    return Case(commands, {"kb/odd.yaml": encoded(text)})


def settings(cls: type, inside: str = "") -> Iterator[str]:
    """Yield the names of all settings: ``check.skip``."""
    for each in fields(cls):
        default = each.default_factory() if callable(each.default_factory) else None
        if is_dataclass(default):
            yield from settings(type(default), f"{inside}{each.name}.")
        else:
            yield inside + each.name


SETTING_VALUES = VALUES | st.sampled_from(
    ["5%", "0", "-1", "14d", "9999999999d", "99999999999999999999w", "1e309", "12mo", "EUR", "eur", "UTC", "../UTC",
    "off",
     "true", "null", [], ["x"], {"x": "1d"}, {"transactions": "7d"}, "error", ">= 5%", "{}", "1" * 5_000, "100%", "0.5"]
)  # fmt: skip


@st.composite
def setting_cases(draw: st.DrawFn) -> Case:
    """Return a ckm.yaml with some settings of odd values."""
    from ckm.settings import Config

    tree: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(sorted(settings(Config))), min_size=1, max_size=4, unique=True)):
        section, _, key = name.rpartition(".")
        place = tree.setdefault(section, {}) if section else tree
        if isinstance(place, dict):
            place[key] = draw(SETTING_VALUES)
    text = draw(spoilt(st.just(written(tree))))
    commands = (
        ("check",), ("check", "-f", "json", "--fail-on", "warning"), ("segment", "--by", "rfm"), ("segment", "--by",
        "value"),
        ("loyalty-report", "-f", "json"), ("churn-warn", "-f", "json"), ("kb-lint",), ("kb-search", "parcel"),
        ("ingest", "orders.csv", "--as", "transactions"),
    )  # fmt: skip
    some = draw(st.lists(st.sampled_from(commands), min_size=2, max_size=3, unique=True))
    return Case(tuple(some), {"ckm.yaml": encoded(text)})


ATOMS = st.sampled_from(
    ["net", "customer_id", "quantity", "ordered_at", '"Notiz"', "1", "0", "-1", "2.5", "'x'", "''", "NULL", "TRUE",
     "DATE '2025-01-31'", "9223372036854775808", "1e308", "missing", "'['", "frequency", "recency_days", "monetary",
     "category_main", "lang", "first_purchase", "INTERVAL '1 day'"]
)  # fmt: skip
FORMS = st.sampled_from(
    ["({0} {op} {1})", "({0} {op} {1})", "NOT {0}", "-{0}", "CAST({0} AS {type})", "{0} IN ({1}, {2})", "{0} IS NULL",
     "{0} BETWEEN {1} AND {2}", "CASE WHEN {0} THEN {1} ELSE {2} END", "coalesce({0}, {1})", "lower({0})", "abs({0})",
     "{0} LIKE {1}", "regexp_like({0}, {1})", "replace({0}, {1}, {2})", "substr({0}, {1}, {2})", "strptime({0}, '%Y')",
     "round({0}, {1})", "concat({0}, {1})", "extract(year FROM {0})", "split_part({0}, {1}, {2})", "lpad({0}, 5, 'x')",
     "pow({0}, {1})", "log({0})", "date_part('month', {0})", "strftime({0}, {1})", "greatest({0}, {1})", "[{0}, {1}]",
     "string_to_array({0}, {1})", "left({0}, {1})", "mod({0}, {1})", "sum({0})", "{0} OVER ()", "(SELECT {0})",
     "{0} AS {1}",
     "strpos({0}, {1})", "initcap({0})", "reverse({0})", "nullif({0}, {1})", "if({0}, {1}, {2})",
     "array_get([{0}], {1})"]
)  # fmt: skip
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "%", "=", "<>", "<", ">", "<=", ">=", "AND", "OR", "||", "//", "&", "|", "<=>", "^", "~"]
)
KINDS_OF_SQL = st.sampled_from(
    [
        "INT",
        "BIGINT",
        "DOUBLE",
        "TEXT",
        "DATE",
        "TIMESTAMP",
        "BOOLEAN",
        "TIME",
        "TINYINT",
        "DECIMAL",
        "BYTEA",
        "UINT8",
        "JSON",
    ]
)
SQL = st.recursive(
    ATOMS,
    lambda inner: st.builds(
        lambda form, one, two, three, op, kind: form.format(one, two, three, op=op, type=kind),
        *(FORMS, inner, inner, inner, OPERATORS, KINDS_OF_SQL),
    ),
    max_leaves=6,
) | st.text(max_size=20)
FEATURES = st.sampled_from(
    ["frequency", "recency_days", "monetary", "tenure_days", "spend_12mo", "1", "0.5", "-1", "NULL"]
)
COMPARED = st.builds(
    lambda one, op, two, three: f"{one} {op} {two} {three}",
    *(
        FEATURES,
        st.sampled_from(["<", ">=", "=", "<>", "+"]),
        FEATURES,
        st.sampled_from(["", "", "> 1", "AND TRUE", "IS NULL"]),
    ),
)
CONDITIONS = st.one_of(COMPARED, COMPARED, SQL)
"""Conditions of segment rules: half of them compare features."""
TARGETS = st.sampled_from([*GOOD, "extra", "unit_price", "email", "id", "", "net_"])


@st.composite
def mapping_cases(draw: st.DrawFn) -> Case:
    """Return a mapping with constants, expressions, rules and formats, and a file that it fits or not."""
    columns: dict[str, Any] = {name: name for name in GOOD}
    for name in draw(st.lists(TARGETS, max_size=3, unique=True)):
        columns[name] = draw(
            st.one_of(SQL.map(lambda sql: {"expr": sql}), TEXTS.map(lambda text: {"value": text}), VALUES)
        )
    rule = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b"]) | TEXTS,
            "expr": SQL,
            "action": st.sampled_from(["quarantine", "flag", "x"]),
        }
    )
    plain: dict[str, Any] = {
        "schema": "ckm.map/1", "name": "odd", "table": draw(st.sampled_from(["transactions"] * 5 + ["customers", "x"])),
        "columns": columns,
    }  # fmt: skip
    optional = {
        "rules": st.lists(rule, max_size=2) | VALUES,
        "translate": st.dictionaries(TARGETS, st.dictionaries(TEXTS, TEXTS, max_size=2), max_size=2) | VALUES,
        "drop": st.lists(TEXTS, max_size=2) | VALUES,
        "format": st.dictionaries(
            st.sampled_from(["encoding", "delimiter", "quote", "header", "columns", "decimal", "thousands", "dates",
            "sheet", "null_values"]),
            st.sampled_from(["utf-8", "x", ",", ";", "none", 1, 0, -1, 99, ".", "%d.%m.%Y", "%", "%Q", "dmy",
            "jalali", [""]])
            | VALUES,
            max_size=3,
        ),
        "time_zone": st.sampled_from(["UTC", "x"]), "key": st.lists(TARGETS, max_size=2) | VALUES,
    }  # fmt: skip
    plain.update({name: draw(value) for name, value in optional.items() if draw(st.integers(0, 3)) == 0})
    text = draw(spoilt(st.just(written(plain))))
    rows = "\n".join([",".join([*GOOD, "Notiz"]), ",".join([*GOOD.values(), "x"]), "A2,,,x,,,,,'"])
    files = {"maps/odd.yaml": encoded(text), "odd.csv": encoded(rows + "\n")}
    call = ("ingest", "odd.csv", "--map", "maps/odd.yaml", "--max-rejects", "100%")
    return Case(((*call, "--dry-run"), (*call, "-f", "json"), ("inspect", "odd.csv")), files)


@st.composite
def rule_cases(draw: st.DrawFn) -> Case:
    """Return segment rules with conditions of every form."""
    names = st.lists(st.sampled_from(["VIP", "a", "ลูกค้า", "null"]) | TEXTS, min_size=1, max_size=3, unique_by=str.strip)
    good = names.flatmap(
        lambda found: st.tuples(
            *(
                st.fixed_dictionaries({"name": st.just(name), "when": CONDITIONS}, optional={"advice": TEXTS})
                for name in found
            )
        ).map(list)
    )
    segments = draw(st.one_of(good, good, good, good, VALUES))
    plain: dict[str, Any] = {"schema": "ckm.segment_rules/1", "segments": segments}
    if draw(st.integers(0, 3)) == 0:
        plain["other"] = draw(st.fixed_dictionaries({"name": TEXTS}, optional={"advice": TEXTS}) | VALUES)
    text = draw(spoilt(st.just(written(plain))))
    commands = (
        ("segment", "--by", "rules.yaml", "-f", "json"),
        ("segment", "orders.csv", "--by", "rules.yaml", "--details"),
    )
    return Case(commands, {"rules.yaml": encoded(text)})
