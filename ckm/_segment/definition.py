"""What a method of segmenting learned: enough to give any customer a segment, readable, and the same tomorrow."""

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
"""Significant digits of fitted numbers; the numbers of the file are the ones that are used."""


@dataclass(frozen=True)
class Segment:
    """A name, and what to do about the customers who bear it."""

    name: str
    advice: str


@dataclass(frozen=True)
class Detail:
    """A table that shows how a method came to its result.

    Attributes
    ----------
    title
        Title of the table.
    frame
        The table.
    formats
        How a person sees a column, as ``str.format`` templates.
    """

    title: str
    frame: pl.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingData:
    """What a method learns from.

    Attributes
    ----------
    table
        The customers.
    at
        Feature table as of the end of another day; raises NotEnoughDataError without data by then.
    settings
        Of the workspace.
    seed
        Of everything random.
    previous
        The definition that this one replaces; None the first time.
    """

    table: FeatureTable
    at: Callable[[date], FeatureTable]
    settings: SegmentSettings
    seed: int = 0
    previous: Definition | None = None


class Definition(Protocol):
    """What a method learned."""

    method: ClassVar[str]

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that :meth:`assign` reads."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, in the order of a summary, best first."""

    def assign(self, features: pl.DataFrame) -> pl.DataFrame:
        """Give every row a segment.

        Parameters
        ----------
        features
            One row per customer, with the columns of :attr:`needs`.

        Returns
        -------
        pl.DataFrame
            As many rows in the same order: ``segment`` (String, one of :attr:`segments`, no nulls), then what the
            method says beside it. A row's result depends on that row and the definition alone.
        """

    def to_plain(self) -> dict[str, Any]:
        """Return everything learned as text, numbers, lists and dicts, fit for YAML and for a reader."""

    def details(self) -> tuple[Detail, ...]:
        """Return the tables that show how the definition came to be."""

    def remarks(self, assigned: pl.DataFrame) -> tuple[str, ...]:
        """Return what a reader should know of the definition and of what :meth:`assign` gave, as sentences."""


def readable_number(value: float) -> float:
    """Return ``value`` to :data:`READABLE_DIGITS` significant digits."""
    return float(f"{value:.{READABLE_DIGITS}g}")


def load_segments(path: Path) -> tuple[Segment, ...]:
    """Read names and advice, in their order, from a data file that is a list of ``{name, advice}``.

    Raises
    ------
    UsageError
        The file cannot be read as such a list.
    """
    document = read_yaml(path)
    entries = [entry.fields(("name", "advice")) for entry in (document.items() if document else [])]
    return tuple(Segment(keys["name"].text(), keys["advice"].text()) for keys in entries)
