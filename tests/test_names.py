"""The names that the command line knows without imports are those of the registries and data files."""

from __future__ import annotations

from pathlib import Path

from ckm._segment.methods import METHODS
from ckm.names import FITTED_METHODS, LANGUAGES, TABLES
from ckm.schema import TABLES as SCHEMAS

DATA = Path(__file__).parents[1] / "ckm" / "data"


def test_every_segment_method_that_learns_is_named() -> None:
    assert tuple(name for name, method in METHODS.items() if method.fit) == FITTED_METHODS


def test_every_table_is_named() -> None:
    assert set(TABLES) == set(SCHEMAS)


def test_every_language_has_a_file_and_every_file_a_language() -> None:
    assert set(LANGUAGES) == {path.stem for path in (DATA / "report").glob("*.yaml")}
