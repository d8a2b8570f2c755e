"""The names that the command line lists without imports equal those of the registries and data files."""

from __future__ import annotations

from pathlib import Path

from ckm._segment.methods import METHODS
from ckm.names import FITTED_METHODS, LANGUAGES, TABLES
from ckm.schema import TABLES as SCHEMAS

DATA = Path(__file__).parents[1] / "ckm" / "data"


def test_the_listed_methods_are_the_fitted_methods() -> None:
    assert tuple(name for name, method in METHODS.items() if method.fit) == FITTED_METHODS


def test_the_listed_tables_are_those_of_the_schema() -> None:
    assert set(TABLES) == set(SCHEMAS)


def test_every_language_has_a_file_and_every_file_a_language() -> None:
    assert set(LANGUAGES) == {path.stem for path in (DATA / "report").glob("*.yaml")}
