"""RFM: equal values have equal scores, and every code has exactly one name."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._segment.rfm.definition import RfmDefinition, read_rfm
from ckm._segment.rfm.names import load_names
from ckm.errors import UsageError
from ckm.models.quantiles import Cuts, material_cuts, quantile_cuts
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

DEFAULT_NAMES = (
    "Champions",
    "Loyal Customers",
    "Potential Loyalist",
    "New Customers",
    "Promising",
    "Customers Needing Attention",
    "About To Sleep",
    "At Risk",
    "Can't Lose Them",
    "Hibernating",
    "Lost",
)

amounts = st.lists(st.integers(-50, 50), min_size=1, max_size=60)


def scores(values: list[int], bins: int, *, fewer_is_better: bool = False) -> list[int]:
    cuts = quantile_cuts(pl.Series(values), bins, fewer_is_better=fewer_is_better)
    return pl.select(cuts.score(pl.Series(values))).to_series().to_list()


@settings(deadline=None)
@given(amounts, st.integers(2, 9))
def test_more_spend_never_scores_lower_and_equal_spend_scores_equal(values: list[int], bins: int) -> None:
    pairs = sorted(zip(values, scores(values, bins), strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(pairs))
    assert len(set(pairs)) == len(set(values))
    assert all(1 <= score <= bins for _, score in pairs)


@settings(deadline=None)
@given(amounts, st.integers(2, 9))
def test_fewer_days_never_score_lower(values: list[int], bins: int) -> None:
    pairs = sorted(zip(values, scores(values, bins, fewer_is_better=True), strict=True))
    assert all(low[1] >= high[1] for low, high in pairwise(pairs))
    assert all(1 <= score <= bins for _, score in pairs)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(2, 9))
def test_without_ties_every_score_has_as_many_customers(per_score: int, bins: int) -> None:
    found = scores(list(range(per_score * bins)), bins)
    assert [found.count(score) for score in range(1, bins + 1)] == [per_score] * bins


@settings(deadline=None)
@given(amounts, st.integers(2, 9), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_cut_point(values: list[int], bins: int, random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert quantile_cuts(pl.Series(shuffled), bins) == quantile_cuts(pl.Series(values), bins)


def test_one_time_buyers_share_the_lowest_score_and_the_best_keep_the_highest() -> None:
    assert scores([1, 1, 1, 1, 1, 2, 2, 3, 5, 9], 5) == [1, 1, 1, 1, 1, 3, 3, 4, 5, 5]


def test_a_cut_point_is_the_smallest_value_that_its_share_of_customers_does_not_exceed() -> None:
    assert quantile_cuts(pl.Series(range(1, 8)), 5).edges == (2, 3, 5, 6)


def fewer(values: list[float], ratio: float = 1.1, *, fewer_is_better: bool = False) -> Cuts:
    return material_cuts(pl.Series(values), 5, per_class=5, least_ratio=ratio, fewer_is_better=fewer_is_better)


@pytest.mark.parametrize(
    ("customers", "scores"),
    [(1, {3}), (9, {3}), (10, {2, 4}), (15, {1, 3, 5}), (20, {1, 2, 4, 5}), (25, {1, 2, 3, 4, 5})],
)
def test_few_customers_have_fewer_classes_spread_over_the_scores(customers: int, scores: set[int]) -> None:
    values = [2.0**number for number in range(customers)]
    for fewer_is_better in (False, True):
        cuts = fewer(values, fewer_is_better=fewer_is_better)
        assert set(pl.select(cuts.score(pl.Series(values))).to_series()) == scores


@pytest.mark.parametrize(
    "values",
    [[24.0] * 40, [156.0] * 20 + [157.0] * 20, [100.0 + number / 100 for number in range(40)], [0.0] * 30, [-5.0] * 30],
)
def test_values_that_hardly_differ_have_one_class_and_one_score_for_later_values(values: list[float]) -> None:
    cuts = fewer(values)
    assert not cuts.varies
    assert set(pl.select(cuts.score(pl.Series([*values, 1e9, -1e9]))).to_series()) == {3}


def test_a_largest_value_that_many_share_has_the_middle_of_the_scores_that_it_spans() -> None:
    values = [10.0] * 40 + [24.0] * 60
    assert fewer(values) == Cuts((10.0,), scores=(1, 4))
    assert fewer(values, fewer_is_better=True) == Cuts((10.0,), fewer_is_better=True, scores=(5, 2))


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=80), st.integers(2, 9), st.booleans())
def test_fewer_classes_keep_the_order_of_the_values(values: list[int], bins: int, fewer_is_better: bool) -> None:
    cuts = material_cuts(pl.Series(values), bins, per_class=5, least_ratio=1.1, fewer_is_better=fewer_is_better)
    found = pl.select(cuts.score(pl.Series(values))).to_series().to_list()
    pairs = sorted(zip(values, found, strict=True))
    assert all(1 <= score <= bins for score in found)
    assert len(set(pairs)) == len(set(values))
    assert all((low[1] >= high[1]) if fewer_is_better else (low[1] <= high[1]) for low, high in pairwise(pairs))


OLD = """
cuts: {recency: [9, 19, 29, 39], frequency: [10, 20, 30, 40], monetary: [1, 2, 3, 4]}
names:
  bins: 5
  segments:
    - {name: New, advice: a, codes: ["[4-5]1[1-5]"]}
    - {name: Old, advice: b, codes: ["[4-5][2-5][1-5]", "[1-3][1-5][1-5]"]}
"""


def rfm(text: str, folder: Path) -> RfmDefinition:
    path = folder / "rfm.yaml"
    path.write_text(text, encoding="utf-8")
    entry = read_yaml(path)
    assert entry is not None
    return read_rfm(entry)


def test_a_definition_saved_before_facts_existed_is_applied_unchanged(tmp_path: Path) -> None:
    old = rfm(OLD, tmp_path)
    assert old.needs == ("recency_days", "frequency", "monetary")
    many = pl.DataFrame({"recency_days": [0], "frequency": [10], "monetary": [99.0]})
    assert old.assign(many).rows() == [("New", 5, 1, 5)]
    assert rfm(yaml.safe_dump(old.to_plain()), tmp_path) == old


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bins: 5", "bins: 5\n  facts: maybe"), "'facts' is yes or no"),
        (("bins: 5", "bins: 5\n  facts: yes"), "'interval_days' belongs to names with 'facts: yes'"),
        (("[9, 19, 29, 39]", "[9, 19]"), "4 ascending cut points are expected"),
        (("[9, 19, 29, 39]", "{edges: [9], scores: [2, 4]}"), "scores from 1 to 5 are expected"),
        (("[10, 20, 30, 40]", "{edges: [9, 8], scores: [1, 2, 4]}"), "2 ascending cut points for 3 scores"),
        (("[10, 20, 30, 40]", "{edges: [], scores: []}"), "scores from 1 to 5 are expected"),
    ],
)
def test_an_invalid_definition_is_reported_with_its_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rfm(OLD.replace(*change), tmp_path)


def test_a_missing_value_has_no_score() -> None:
    cuts = quantile_cuts(pl.Series([1, 2, 3]), 3)
    assert pl.select(cuts.score(pl.Series([None, 2], dtype=pl.Int64))).to_series().to_list() == [None, 2]


def test_the_eleven_usual_names_cover_all_125_codes_once() -> None:
    table = load_names()
    assert table.names == DEFAULT_NAMES
    codes = [code for segment in table.segments for code in segment.codes]
    assert sorted(codes) == ["".join(code) for code in product("12345", repeat=3)]
    assert all(segment.advice and "\n" not in segment.advice for segment in table.segments)


def test_buying_more_recently_never_gives_a_worse_name() -> None:
    table = load_names()
    for frequency, money in product("12345", repeat=2):
        ranks = [table.names.index(table.name_by_code[f"{recency}{frequency}{money}"]) for recency in "12345"]
        assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("code", "name"),
    [("555", "Champions"), ("111", "Lost"), ("155", "Can't Lose Them"), ("511", "New Customers"), ("333", None)],
)
def test_a_name_follows_from_three_scores(code: str, name: str | None) -> None:
    digits = [pl.lit(int(digit), dtype=pl.Int8) for digit in code]
    found = pl.select(load_names().name(*digits)).item()
    assert found == (name or "Customers Needing Attention")


def names_file(folder: Path, *segments: tuple[str, str], bins: object = 2, schema: str = "ckm.rfm_names/1") -> Path:
    entries = "".join(f'  - {{name: {name}, advice: Act., codes: ["{codes}"]}}\n' for name, codes in segments)
    path = folder / "names.yaml"
    path.write_text(f"schema: {schema}\nbins: {bins}\nsegments:\n{entries}", encoding="utf-8")
    return path


def test_another_table_may_have_other_names_and_scores(tmp_path: Path) -> None:
    table = load_names(names_file(tmp_path, ("สูง", "2[1-2][1-2]"), ("低", "1[1-2][1-2]")))
    assert (table.bins, table.names) == (2, ("สูง", "低"))
    assert table.name_by_code["212"] == "สูง"


def test_codes_without_a_name_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"codes without a name: 121, 122$"):
        load_names(names_file(tmp_path, ("high", "2[1-2][1-2]"), ("low", "11[1-2]")))


def test_codes_with_two_names_are_listed_with_both(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"codes with several names: 211 \(high, low\), 212 \(high, low\)$"):
        load_names(names_file(tmp_path, ("high", "2[1-2][1-2]"), ("low", "[1-2]1[1-2]"), ("rest", "12[1-2]")))


def test_a_name_given_twice_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names given twice: same"):
        load_names(names_file(tmp_path, ("same", "2[1-2][1-2]"), ("same", "1[1-2][1-2]")))


@pytest.mark.parametrize("pattern", ["3[1-2][1-2]", "0[1-2][1-2]", "2[2-1]1", "11", "1111", "1*1", "abc"])
def test_a_pattern_without_a_code_is_reported(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="matches no code") as raised:
        load_names(names_file(tmp_path, ("wrong", pattern)))
    assert pattern in str(raised.value)


@pytest.mark.parametrize("bins", [1, 10, "many", "[5]", 2.5])
def test_the_number_of_scores_is_one_digit_from_two(tmp_path: Path, bins: object) -> None:
    with pytest.raises(UsageError, match=r"names.yaml:2: "):
        load_names(names_file(tmp_path, ("all", "[1-2][1-2][1-2]"), bins=bins))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'schema' is missing"),
        ("schema: ckm.map/1\nbins: 2\nsegments: []\n", "names.yaml:1: not a table of names"),
        ("schema: ckm.rfm_names/1\n", "'bins' is missing"),
        ("schema: ckm.rfm_names/1\nbins: 2\nsegments: [{name: a}]\n", "names.yaml:3: 'advice' is missing"),
        ("schema: ckm.rfm_names/1\nbins: 2\nsegments: [\n", "names.yaml:4"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_names(path)


def test_a_misspelt_key_is_named_with_its_line_and_the_near_one(tmp_path: Path) -> None:
    path = names_file(tmp_path, ("all", "[1-2][1-2][1-2]"))
    path.write_text(path.read_text("utf-8").replace("advice", "advise"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"names.yaml:4: unknown key 'advise'") as raised:
        load_names(path)
    assert raised.value.hint == "did you mean 'advice'?"


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        load_names(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_names(tmp_path / "latin.yaml")
