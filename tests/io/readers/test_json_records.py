"""JSON files: values as written, and one record or one rejection per element."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ckm.errors import AmbiguousError, InputError, UsageError
from ckm.io.readers import json_elements, json_layout
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.io.values.numbers import NumberStyle, parse_numbers
from tests.conftest import examples

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, text: str) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    path.write_text(text, encoding="utf-8")
    with open_source(path) as source:
        batches = list(source.batches())
    return [row for b in batches for row in b.records.to_dicts()], [row for b in batches for row in b.rejected.rows()]


def test_numbers_are_kept_as_written(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"id":"007","p":1.10,"big":12345678901234567890123,"e":1E5,"neg":-0.50}\n')
    assert good == [{"id": "007", "p": "1.10", "big": "12345678901234567890123", "e": "1E5", "neg": "-0.50"}]
    assert bad == []


def test_nested_values_are_kept_as_json(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"o":{"a":[1.50,"x",null,true]},"e":[],"t":"ä\\"b"}\n')
    assert good == [{"o.a": '[1.50, "x", null, true]', "e": "[]", "t": 'ä"b'}]


def test_fields_of_records_are_columns_by_their_paths(tmp_path: Path) -> None:
    good, _ = read(
        tmp_path / "a.jsonl",
        '{"customer":{"id":"C1","at":{"city":"Ulm"}},"net":1.50}\n{"customer":{"id":"C2"},"net":2}\n{"customer":null}\n',
    )
    assert good == [
        {"customer.id": "C1", "customer.at.city": "Ulm", "net": "1.50"},
        {"customer.id": "C2", "customer.at.city": None, "net": "2"},
        {"customer.id": None, "customer.at.city": None, "net": None},
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"o":{"a":1}}\n{"o":"text"}\n',  # not all values are records
        '{"o":{"a":1},"o.a":2}\n',  # a key equals a path
        "".join(f'{{"o":{{"k{number}":1}}}}\n' for number in range(60)),  # too many fields
    ],
)
def test_values_other_than_small_records_stay_json_text(tmp_path: Path, text: str) -> None:
    good, _ = read(tmp_path / "a.jsonl", text)
    assert str(good[0]["o"]).startswith('{"')


def test_keys_of_late_records_are_columns(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"a":"1"}\n{"b":"2"}\n')
    assert good == [{"a": "1", "b": None}, {"a": None, "b": "2"}]


def test_null_and_empty_text_are_missing_values(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"a":null,"b":"","c":false}\n')
    assert good == [{"a": None, "b": None, "c": "false"}]


def test_bad_lines_are_rejected_with_their_numbers(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"a":"1"}\n\n{"a":\n[1]\n{"a":Infinity}\n{"a":"2"}')
    assert [row["a"] for row in good] == ["1", "2"]
    assert [row[:2] for row in bad] == [(3, "invalid JSON"), (4, "not a JSON object"), (5, "invalid JSON")]


def test_only_an_invalid_element_of_an_array_is_rejected(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.json", '[{"a":1},\n{"a":oops, "b":[1,2]},\n{"a":"}]"},\n7]\n')
    assert [row["a"] for row in good] == ["1", "}]"]
    assert [row[:2] for row in bad] == [(2, "invalid JSON"), (4, "not a JSON object")]


def test_a_truncated_array_loses_only_its_last_element(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.json", '[{"a":1},{"a":2},{"a":')
    assert [row["a"] for row in good] == ["1", "2"]
    assert len(bad) == 1


RECORDS = [{"id": "A1", "net": 1.125, "tags": ["x", {"y": "}]"}]}, {"id": "A2", "net": 2}, {"id": "A3", "more": "ä"}]


def pretty(records: object) -> str:
    return json.dumps(records, indent=2, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\n".join(map(pretty, RECORDS)), "concatenated JSON objects"),
        ("".join(map(pretty, RECORDS)), "concatenated JSON objects"),
        (",\n".join(map(pretty, RECORDS)), "concatenated JSON objects"),
        (json.dumps({"orders": RECORDS}), "the list 'orders'"),
        (pretty({"data": RECORDS}) + "\n", "the list 'data'"),
        (json.dumps({"meta": {"page": 1}, "errors": [], "orders": RECORDS}), "the list 'orders'"),
        (json.dumps({"shop": "x", "data": RECORDS, "by": 7}), "the list 'data'"),
        (pretty({"object": "list", "data": RECORDS, "has_more": False, "links": {"next": None}}), "the list 'data'"),
        (json.dumps({"data": {"orders": RECORDS}}), "the list 'data.orders'"),
        (
            pretty({"status": "ok", "data": {"count": 3, "orders": {"edges": RECORDS, "pageInfo": {}}}}),
            "data.orders.edges",
        ),
        (json.dumps({"count": 3, "next": None, "results": RECORDS}), "the list 'results'"),
        (json.dumps({record["id"]: record for record in RECORDS}), "the values of one object"),
        (pretty({"7": RECORDS[0], "8": RECORDS[1], "9": RECORDS[2]}), "the values of one object"),
        (pretty(RECORDS), None),
        ("\n".join(json.dumps(record) for record in RECORDS), None),
    ],
    ids=[
        "pretty",
        "touching",
        "with commas",
        "wrapped",
        "wrapped and pretty",
        "wrapped after",
        "wrapped beside",
        "wrapped amid",
        "wrapped twice",
        "wrapped thrice",
        "page",
        "keyed",
        "keyed and pretty",
        "array",
        "lines",
    ],
)
def test_records_are_found_in_every_layout_with_a_remark(tmp_path: Path, text: str, told: str | None) -> None:
    good, bad = read(tmp_path / "a.json", text)
    assert [row["id"] for row in good] == ["A1", "A2", "A3"]
    assert [row["net"] for row in good] == ["1.125", "2", None]
    assert good[2]["more"] == "ä"
    assert bad == []
    with open_source(tmp_path / "a.json") as source:
        lines = [line for batch in source.batches() for line in batch.lines]
        assert lines == sorted(lines)
        assert [(told or "") in text for _, text in source.problems] == ([True] if told else [])


@pytest.mark.parametrize(
    "text",
    [
        '{"items":[{"a":"1"}],"id":"7"}\n',
        '{"id":"7","items":[{"a":"1"}]}\n',
        '{"items":[{"a":"1"}]}\n{"items":[{"a":"2"}]}\n',
    ],
)
def test_a_list_next_to_values_other_than_metadata_is_a_field(tmp_path: Path, text: str) -> None:
    good, bad = read(tmp_path / "a.jsonl", text)
    assert [row["items"] for row in good] == [f'[{{"a": "{place}"}}]' for place in range(1, text.count("\n") + 1)]
    assert bad == []


TWO = {"customers": [{"id": "C1"}, {"id": "C2"}], "sales": {"orders": RECORDS, "at": "2025"}, "n": 1}


def test_a_hint_selects_one_of_two_record_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(pretty(TWO), encoding="utf-8")
    with pytest.raises(AmbiguousError, match=r"'customers', 'sales\.orders'") as refused, open_source(path):
        pass
    assert refused.value.hint == "choose one: --records customers or --records sales.orders"
    for records, ids in (
        ("customers", ["C1", "C2"]),
        ("sales.orders", ["A1", "A2", "A3"]),
        ("/sales/orders", ["A1", "A2", "A3"]),
    ):
        with open_source(path, Hints(records=records)) as source:
            batches = list(source.batches())
            assert [row["id"] for batch in batches for row in batch.records.to_dicts()] == ids
            assert sum(batch.rejected.height for batch in batches) == 0
    with pytest.raises(UsageError, match="has no list 'sales'"), open_source(path, Hints(records="sales")):
        pass


def test_a_remark_names_the_record_list_in_a_single_record(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"id": "7", "shop": "x", "items": [{"a": 1}, {"a": 2}]}', encoding="utf-8")
    with open_source(path) as source:
        assert [batch.records.height for batch in source.batches()] == [1]
        assert any("--records items" in text for _, text in source.problems)


def test_the_keys_of_keyed_records_are_a_column(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.json", '{"o1":{"a":1,"b":2},\n"o2":{"a":3},\n"o\\u0034":{"key":"x","a":5}}')
    assert [(row["key"], row["a"]) for row in good] == [("o1", "1"), ("o2", "3"), ("x", "5")]
    assert bad == []


@pytest.mark.parametrize(
    "text",
    [
        '{"customer":{"id":"C1"},"address":{"city":"Trier"}}\n',
        '{"date":{"$date":"2025-01-01"},"paid":{"$date":"2025-01-02"}}\n{"date":{"$date":"2025-01-03"}}\n',
        '{"customer":{"id":"C1"},"net":{"amount":"1","currency":"EUR"},"note":"x"}\n',
    ],
)
def test_an_object_of_different_records_is_one_record(tmp_path: Path, text: str) -> None:
    good, bad = read(tmp_path / "a.jsonl", text)
    assert len(good) == text.count("\n")
    assert "key" not in good[0]
    assert bad == []


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"a":NaN,"b":[NaN,1]}\n{"a":1.0}\n')
    assert good == [{"a": None, "b": "[null, 1]"}, {"a": "1.0", "b": None}]
    assert bad == []


@pytest.mark.parametrize("form", ["{0}\n{1}\n", "[{0},\n{1}]"])
def test_a_record_with_a_duplicate_key_is_rejected(tmp_path: Path, form: str) -> None:
    good, bad = read(tmp_path / "a.json", form.format('{"a":"1","b":{"c":1,"c":2}}', '{"a":"2"}'))
    assert [row["a"] for row in good] == ["2"]
    assert [row[:2] for row in bad] == [(1, "duplicate key")]


def test_columns_of_numbers_and_of_records_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"n":1.125,"t":"1.125","m":1.125,"o":{"id":1},"l":[1]}\n{"n":null,"t":"x","m":"12,50"}\n')
    with open_source(path) as source:
        assert source.format.numeric == ("n", "o.id")
        assert source.format.nested == ("l",)
        [batch] = source.batches()
    numbers = parse_numbers(batch.records["m"], NumberStyle(","))
    assert numbers.to_list() == [1.125, 12.5]


def test_deep_nesting_is_rejected_without_a_crash(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"a":' + "[" * 100_000 + "]" * 100_000 + '}\n{"a":1}\n')
    assert [row["a"] for row in good] == ["1"]
    assert [row[:2] for row in bad] == [(1, "invalid JSON")]


@pytest.mark.slow
@settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0"), min_size=1)),
    block=st.integers(1, 40),
)
def test_piece_boundaries_do_not_change_the_records(tmp_path: Path, values: list[str], block: int) -> None:
    import json

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_elements, "BLOCK", block)
        patch.setattr(json_layout, "BLOCK", block)
        for text in (
            json.dumps([{"v": value} for value in values], ensure_ascii=False),
            "".join(json.dumps({"v": value}, ensure_ascii=False) + "\n" for value in values),
        ):
            good, bad = read(tmp_path / "a.json", text)
            assert [row["v"] for row in good] == values
            assert bad == []


@pytest.mark.parametrize("record", ['{"a":Infinity}', '{"a":' * 100_000 + "1" + "}" * 100_000])
@pytest.mark.parametrize("form", ["{0}\n{0}\n", "[{0},\n{0}]"])
def test_a_file_without_a_valid_record_is_refused_and_not_empty(tmp_path: Path, form: str, record: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(form.format(record))
    with pytest.raises(InputError, match=r"none of the 2 records can be read \(invalid JSON: 2\)"):
        open_source(path)
