"""Definition: the fitted result of a segment method, which assigns any customer a segment reproducibly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    import polars as pl

    from ckm.customers.features import FeatureTable
    from ckm.settings import SegmentSettings

READABLE_DIGITS = 6
"""Significant digits of fitted numbers; rounded before use, so that the file has exactly the numbers that are used."""


@dataclass(frozen=True)
class Segment:
    """A segment name, and the advice for its customers."""

    name: str
    advice: str


@dataclass(frozen=True)
class Detail:
    """A table about the result of a segment method, for ``--details``.

    Attributes
    ----------
    title
        Title of the table.
    frame
        The table.
    formats
        Number formats of columns, as ``str.format`` templates.
    """

    title: str
    frame: pl.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingData:
    """Input of fitting a segment method.

    Attributes
    ----------
    table
        Feature table of the customers.
    at
        Function that returns the feature table as of the end of another day; it raises NotEnoughDataError if the data
        begin after that day.
    settings
        Settings of the workspace.
    seed
        Random seed.
    previous
        The definition that the fitted one replaces; None for a first fit.
    """

    table: FeatureTable
    at: Callable[[date], FeatureTable]
    settings: SegmentSettings
    seed: int = 0
    previous: Definition | None = None


class Definition(Protocol):
    """Interface of the definitions of all methods."""

    method: ClassVar[str]

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that :meth:`assign` needs."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, best first, which is also their order in a summary."""

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return a segment for every row.

        Parameters
        ----------
        features
            One row per customer, with the columns of :attr:`needs`.

        Returns
        -------
        pl.DataFrame
            One row per input row, in the same order: ``segment`` (String, one of :attr:`segments`, no nulls), then
            further columns of the method. A row's result depends only on that row and the definition.
        """

    def to_plain(self) -> dict[str, Any]:
        """Return the fitted parameters as text, numbers, lists and dicts, readable as YAML."""

    def details(self) -> tuple[Detail, ...]:
        """Return tables that show how the definition was fitted."""

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return remarks on the definition and on the result of :meth:`assign`, as sentences."""


def readable_number(value: float) -> float:
    """Return ``value`` rounded to :data:`READABLE_DIGITS` significant digits."""
    return float(f"{value:.{READABLE_DIGITS}g}")


def load_segments(path: Path) -> tuple[Segment, ...]:
    """Read names and advice, in their order, from a data file that is a list of ``{name, advice}``.

    Raises
    ------
    UsageError
        The file is not a valid list.
    """
    document = read_yaml(path)
    entries = [entry.fields(("name", "advice")) for entry in (document.items() if document else [])]
    return tuple(Segment(keys["name"].text(), keys["advice"].text()) for keys in entries)
