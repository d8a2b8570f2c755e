"""The JSON Schema for editors and the reader accept the same entries."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._kb.draft import origins
from ckm._kb.entry_files import read_file
from ckm._kb.entry_schema import all_keys, entry_shape, schema_text, words
from ckm.severity import Severity
from tests.conftest import examples

SCHEMA = json.loads(schema_text())
JUDGE = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
GOOD = yaml.safe_load("""
schema: ckm.kb/1
id: a
kind: for
title: t
issue: i
state: {confidence: wip}
review: {}
provenance: {}
""")

_text = st.sampled_from(
    ["a", "two words", " ", "", "wip", "policy", "de", "zh_Hant", "2026-02-28", "2026-02-30", "1", "-x"]
)
_value = st.recursive(
    _text | st.integers(-1, 40_000) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["de", "zh-Hant", "en_US", "x y"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_key = st.sampled_from([name for name, shape in all_keys() if shape.form != "mapping"])


def test_the_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    JUDGE.validate(GOOD)


def test_every_key_is_described() -> None:
    assert [name for name, shape in all_keys() if not shape.description] == []


def test_eight_keys_are_required() -> None:
    assert entry_shape().needed == ("schema", "id", "kind", "title", "issue", "state", "review", "provenance")


def test_the_origins_of_drafts_are_those_of_the_schema() -> None:
    assert tuple(origins()) == words("provenance.origin")
    assert {origin.mode for origin in origins().values()} == set(words("seci.mode"))
    assert {origin.kind for origin in origins().values()} == set(words("kind"))


def _with(key: str, value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(GOOD))
    inner = changed
    *parents, last = key.split(".")
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[last] = value
    return changed


def _is_text_where_a_number_or_flag_is_meant(key: str, value: Any) -> bool:
    """YAML 1.2 and 1.1 differ in what is a number; the reader takes text for text whatever it looks like."""

    def plain(each: Any) -> bool:
        if isinstance(each, dict):
            return any(plain(inner) for inner in each.values())
        if isinstance(each, list):
            return any(plain(inner) for inner in each)
        return isinstance(each, bool | int) or each in {"1"}

    return plain(value) and key not in {"review.interval_days", "access.contains_personal_data"}


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(_key, _value)
def test_the_reader_reports_a_mistake_exactly_if_the_schema_refuses_the_entry(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    if key in {"evidence", "history"} or _is_text_where_a_number_or_flag_is_meant(key, value):
        return
    if key in {"review.interval_days", "access.contains_personal_data"} and isinstance(value, str):
        return
    document = _with(key, value)
    folder = tmp_path_factory.getbasetemp() / "oracle"
    folder.mkdir(exist_ok=True)
    path = folder / "entry.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    _, mistakes = read_file(path, folder)
    told = [each for each in mistakes if each.severity is Severity.error]
    assert bool(told) == (not JUDGE.is_valid(document)), (document, told)
