"""Names of clusters describe their deviations, and are all different."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._segment.clusters.facts import Fact
from ckm._segment.clusters.names import (
    ClusterWord,
    ClusterWords,
    NamedFeature,
    load_words,
    name_clusters,
    name_matches,
)
from ckm.errors import UsageError
from ckm.models.clusters.scaling import Recipe

MIDDLING = ClusterWord("middling", "wait")


def feature(name: str, theme: str | None = None) -> NamedFeature:
    high, low = ClusterWord(f"much {name}", f"more {name}"), ClusterWord(f"little {name}", f"less {name}")
    return NamedFeature(Recipe(name, name), theme or name, high, low)


FEATURES = [feature("tea"), feature("cake"), feature("milk")]
rows = st.lists(st.lists(st.floats(-6, 6), min_size=3, max_size=3), max_size=12)


def names(*deviations: list[float], taken: tuple[str, ...] = ()) -> list[str]:
    return [segment.name for segment in name_clusters(deviations, FEATURES, MIDDLING, taken)]


@settings(deadline=None)
@given(rows, st.sets(st.sampled_from(["much tea", "little cake", "middling", "much tea, little cake", "middling 2"])))
def test_every_cluster_has_a_name_of_its_own_and_an_advice(deviations: list[list[float]], taken: set[str]) -> None:
    segments = name_clusters(deviations, FEATURES, MIDDLING, taken)
    assert len(segments) == len(deviations)
    assert len({segment.name for segment in segments} | taken) == len(segments) + len(taken)
    assert all(segment.name and segment.advice.endswith(".") for segment in segments)


def test_the_largest_deviations_come_first() -> None:
    assert names([0.7, -2.0, 1.0]) == ["little cake, much milk"]


def test_features_near_the_mean_give_no_word() -> None:
    assert names([0.1, -2.0, 0.49], [0.1, 0.2, 0.3]) == ["little cake", "middling"]


def test_of_one_theme_only_the_strongest_word_is_used() -> None:
    features = [feature("tea", "drink"), feature("cake"), feature("milk", "drink")]
    segments = name_clusters([[2.0, 0.6, 1.5]], features, MIDDLING)
    assert segments[0].name == "much tea, much cake"
    assert segments[0].advice == "More tea; more cake."


def test_clusters_with_equal_names_get_more_words() -> None:
    assert names([2.0, 1.0, 0.2], [2.0, 1.0, -0.2]) == [
        "much tea, much cake, much milk",
        "much tea, much cake, little milk",
    ]


def test_clusters_with_the_same_words_get_a_number() -> None:
    assert names([2.0, 1.0, 0.5], [2.0, 1.0, 0.5]) == [
        "much tea, much cake, much milk",
        "much tea, much cake, much milk 2",
    ]


def test_a_name_that_is_taken_is_not_given_again() -> None:
    assert names([2.0, 1.0, 0.2], taken=("much tea, much cake",)) == ["much tea, much cake, much milk"]


def test_all_words_that_ship_with_ckm_differ_and_every_feature_has_two() -> None:
    words = load_words()
    texts = [word.text for each in words.features for word in (each.high, each.low)] + [words.middling.text]
    assert len(set(texts)) == len(texts) == 2 * len(words.features) + 1
    assert all("," not in text and not text.endswith(".") for text in texts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'schema' is missing"),
        ("schema: other/1\nmiddling: {word: a, advice: b}\nfeatures: []\n", "words.yaml:1: no words for clusters"),
        ("schema: ckm.cluster_words/1\nmiddling: {word: a}\nfeatures: []\n", "words.yaml:2: 'advice' is missing"),
        ("schema: ckm.cluster_words/1\nfeatures: []\n", "'middling' is missing"),
    ],
)
def test_a_file_that_is_no_word_table_is_named_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_words(path)


def test_words_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(
        "schema: ckm.cluster_words/1\n"
        "middling: {word: กลาง, advice: รอ}\n"
        "features:\n"
        "  - {name: a, column: b, over: c, evidence: n, theme: t, high: {word: 高, advice: x}, "
        "low: {word: 低, advice: y}}\n",
        encoding="utf-8",
    )
    found = NamedFeature(Recipe("a", "b", over="c", evidence="n"), "t", ClusterWord("高", "x"), ClusterWord("低", "y"))
    assert load_words(path) == ClusterWords((found,), ClusterWord("กลาง", "รอ"))


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("much tea, little cake", True),
        ("little cake 2", True),
        ("little tea", False),
        ("much milk", False),
        ("our best, much tea", True),
        ("ชา", True),
    ],
)
def test_a_name_is_kept_only_while_its_words_are_true(name: str, *, holds: bool) -> None:
    assert name_matches(name, [2.0, -0.3, 0.0], FEATURES) is holds


def side(fact: Fact, values: list[float | None], members: list[bool], over: list[float] | None = None) -> int:
    frame = pl.DataFrame({"a": values, "b": over or [1.0] * len(values)}, strict=False)
    return fact.side(frame, np.array(members))


def test_a_word_needs_mean_and_median_of_the_known_values_on_its_side() -> None:
    fact, first = Fact("a"), [True, True, True, False, False, False]
    assert side(fact, [3.0, 4.0, 5.0, 1.0, 1.0, 2.0], first) == 1
    assert side(fact, [1.0, 1.0, 2.0, 3.0, 4.0, 5.0], first) == -1
    assert side(fact, [1.0, 1.0, 99.0, 2.0, 2.0, 2.0], first) == 0
    assert side(fact, [9.9, 9.9, 9.9000001, 9.9, 9.9, 9.9], first) == 0
    assert side(fact, [None, None, 5.0, 1.0, 1.0, 1.0], first) == 0
    assert side(fact, [None] * 6, first) == 0


def test_a_word_may_be_about_a_ratio_of_sums_or_a_level() -> None:
    first = [True, True, False, False]
    pooled = Fact("a", "b", pooled=True)
    assert side(pooled, [100.0, 10.0, 60.0, 60.0], first, [1.0, 9.0, 1.0, 1.0]) == -1
    assert side(Fact("a", "b", level=1.0), [3.0, 4.0, 9.0, 9.0], first, [2.0, 2.0, 1.0, 1.0]) == 1
    assert side(Fact("a", "b", level=1.0), [3.0, 4.0, 9.0, 9.0], first, [0.0, 0.0, 1.0, 1.0]) == 0
