"""JSON lines and arrays: values as they were written, one record or one reason per element."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ckm.errors import InputError
from ckm.sources import json_records
from ckm.sources.read import open_source
from tests.conftest import examples

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, text: str) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    path.write_text(text, encoding="utf-8")
    with open_source(path) as source:
        batches = list(source.batches())
    return [row for b in batches for row in b.records.to_dicts()], [row for b in batches for row in b.rejected.rows()]


def test_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"id":"007","p":1.10,"big":12345678901234567890123,"e":1E5,"neg":-0.50}\n')
    assert good == [{"id": "007", "p": "1.10", "big": "12345678901234567890123", "e": "1E5", "neg": "-0.50"}]
    assert bad == []


def test_nested_values_are_kept_as_json(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"o":{"a":[1.50,"x",null,true]},"e":[],"t":"ä\\"b"}\n')
    assert good == [{"o": '{"a": [1.50, "x", null, true]}', "e": "[]", "t": 'ä"b'}]


def test_keys_that_come_late_are_columns_too(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"a":"1"}\n{"b":"2"}\n')
    assert good == [{"a": "1", "b": None}, {"a": None, "b": "2"}]


def test_null_and_empty_text_are_no_value(tmp_path: Path) -> None:
    good, _ = read(tmp_path / "a.jsonl", '{"a":null,"b":"","c":false}\n')
    assert good == [{"a": None, "b": None, "c": "false"}]


def test_bad_lines_are_rejected_with_their_numbers(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"a":"1"}\n\n{"a":\n[1]\n{"a":NaN}\n{"a":"2"}')
    assert [row["a"] for row in good] == ["1", "2"]
    assert [row[:2] for row in bad] == [(3, "no valid JSON"), (4, "no JSON object"), (5, "no valid JSON")]


def test_a_broken_element_of_an_array_costs_only_itself(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.json", '[{"a":1},\n{"a":oops, "b":[1,2]},\n{"a":"}]"},\n7]\n')
    assert [row["a"] for row in good] == ["1", "}]"]
    assert [row[:2] for row in bad] == [(2, "no valid JSON"), (4, "no JSON object")]


def test_an_array_that_breaks_off_loses_its_last_element_only(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.json", '[{"a":1},{"a":2},{"a":')
    assert [row["a"] for row in good] == ["1", "2"]
    assert len(bad) == 1


def test_one_object_over_many_lines_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="most lines hold no JSON object"):
        read(tmp_path / "a.json", '{\n "orders": [\n  {"id": 1}\n ]\n}\n')


def test_deep_nesting_is_rejected_and_no_crash(tmp_path: Path) -> None:
    good, bad = read(tmp_path / "a.jsonl", '{"a":' + "[" * 100_000 + "]" * 100_000 + '}\n{"a":1}\n')
    assert [row["a"] for row in good] == ["1"]
    assert [row[:2] for row in bad] == [(1, "no valid JSON")]


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
def test_where_pieces_are_cut_changes_nothing(tmp_path: Path, values: list[str], block: int) -> None:
    import json

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "BLOCK", block)
        for text in (
            json.dumps([{"v": value} for value in values], ensure_ascii=False),
            "".join(json.dumps({"v": value}, ensure_ascii=False) + "\n" for value in values),
        ):
            good, bad = read(tmp_path / "a.json", text)
            assert [row["v"] for row in good] == values
            assert bad == []


@pytest.mark.parametrize("record", ['{"a":NaN}', '{"a":' * 100_000 + "1" + "}" * 100_000])
@pytest.mark.parametrize("form", ["{0}\n{0}\n", "[{0},\n{0}]"])
def test_a_file_without_a_readable_record_is_not_called_empty(tmp_path: Path, form: str, record: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(form.format(record))
    with pytest.raises(InputError, match=r"none of the 2 records can be read \(no valid JSON: 2\)"):
        open_source(path)
