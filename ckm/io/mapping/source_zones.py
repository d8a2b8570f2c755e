"""Find the time zones that a file states: in a column, in column names, or as offsets of its timestamps."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.synonyms import normalise
from ckm.io.values.dates import parse_dates
from ckm.io.values.word_lists import load_data
from ckm.io.values.zones import zone_named
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckm.io.mapping.mapping import Mapping
    from ckm.io.values.dates import DateStyle
    from ckm.remark import Remark

ZONE_IN_NAME = re.compile(
    r"^(?P<name>.*?)(?:[\s_]*[(\[](?P<zone>(?:UTC|GMT)[^()\[\]]*|[A-Z]{3,4}|\w+/[\w/]+)[)\]]|[\s_](?P<utc>UTC|utc|GMT|gmt))$"
)
"""A column name with a time zone at its end: ``Created (UTC+7)``, ``Date [Asia/Bangkok]``, ``created_at_utc``."""
FIXED = "Etc/GMT"
"""Prefix of IANA zones with a fixed offset, such as ``Etc/GMT-7``, seven hours ahead of UTC."""
UTC_NAMES = frozenset({"UTC", "GMT", "Etc/UTC", FIXED, "Zulu", "Etc/Zulu"})
REVERSED = str.maketrans("+-", "-+")
SAMPLED = 1000
"""Maximum number of a column's timestamps whose offsets are counted, evenly spread over the sample."""
LEAST_SHARE = 0.1
"""Minimum share of timestamps with an offset other than zero for a remark."""


def zone_column(columns: Sequence[str], sample: pl.DataFrame | None) -> str | None:
    """Return the column with time zone names, recognised from name and values; None without one, or with two."""
    if sample is None:
        return None
    names = {normalise(name) for name in load_data("time_zones.yaml")["columns"]}
    found = [name for name in columns if normalise(name) in names and name in sample.columns]
    return found[0] if len(found) == 1 and _are_zones(sample[found[0]]) else None


def _are_zones(values: pl.Series) -> bool:
    words = [word for word in values.drop_nulls().cast(pl.String, strict=False).unique() if word.strip()]
    return bool(words) and all(zone_named(word) for word in words)


def zone_in_name(column: str) -> str | None:
    """Return the time zone at the end of a column name; None without one.

    >>> zone_in_name("Created (UTC+7)"), zone_in_name("created_at_utc"), zone_in_name("Price (EUR)")
    ('Etc/GMT-7', 'UTC', None)
    """
    found = ZONE_IN_NAME.match(column.strip())
    return zone_named(found["zone"] or found["utc"].upper()) if found else None


def name_without_zone(column: str) -> str:
    """Return a column name without the time zone at its end.

    >>> name_without_zone("Order date (UTC+7)"), name_without_zone("Price (EUR)")
    ('Order date', 'Price (EUR)')
    """
    found = ZONE_IN_NAME.match(column.strip())
    return found["name"] if found and zone_in_name(column) else column


class SourceZones:
    """Time zones of the timestamps of a file.

    Parameters
    ----------
    mapping
        The mapping of the file; its time zone takes precedence over zones that the file states.
    sample
        The first records.
    day_zone
        Time zone of the days of analyses, and of timestamps if nothing else states one.

    Attributes
    ----------
    zone
        Time zone of timestamps without an offset from UTC.
    """

    def __init__(self, mapping: Mapping, sample: pl.DataFrame, day_zone: str) -> None:
        self._mapping = mapping
        self._day_zone = day_zone
        self._words = self._words_in_column(sample)
        self._in_column = list(dict.fromkeys(zone for word in self._words if (zone := zone_named(word))))
        self._in_names: dict[str, str] = {}
        self._typed: list[str] = []
        self._offsets: Counter[int] = Counter()
        self.zone = mapping.time_zone or next(iter(self._in_column), day_zone)

    def _words_in_column(self, sample: pl.DataFrame) -> list[str]:
        """Return the distinct time zone names in the mapping's zone column, unless the mapping has a zone."""
        name = self._mapping.time_zone_column
        if name is None or self._mapping.time_zone is not None or name not in sample.columns:
            return []
        words = sample[name].drop_nulls().cast(pl.String).str.strip_chars()
        return [word for word in words.unique(maintain_order=True) if word]

    @property
    def column(self) -> str | None:
        """The column with the time zone of each row; None without such a column, or if the mapping has a zone."""
        return self._mapping.time_zone_column if self._words else None

    def of_columns(self, names: Sequence[str]) -> str:
        """Return the time zone of timestamps in columns: the zone in the first column name with one, else ``zone``."""
        for name in names if self._mapping.time_zone is None else ():
            if zone := zone_in_name(name):
                self._in_names[name] = zone
                return zone
        return self.zone

    def count_offsets(self, texts: pl.Series, style: DateStyle) -> None:
        """Count the offsets from UTC, in minutes, of timestamps as text."""
        written = texts.drop_nulls()
        found = parse_dates(written.gather_every(1 + len(written) // SAMPLED), style).drop_nulls()
        minutes = found.select((pl.col("local") - pl.col("instant")).dt.total_minutes()).to_series()
        self._offsets.update(minutes.to_list())

    def add_typed(self, dtype: pl.DataType) -> None:
        """Add the time zone of a column whose type is a timestamp with a zone, as in Parquet."""
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            self._typed.append(dtype.time_zone)

    def remarks(self, setting: str | None) -> Iterator[str]:
        """Yield remarks on the time zones that the file states.

        ``setting`` is what sets the time zone of the days, in the words of a hint; None omits the remark on days.
        """
        column = f"column '{self._mapping.time_zone_column}'"
        if self._in_column:
            yield f"timestamps are in {' and '.join(map(_shown, self._in_column))}, given by {column}"
        if any(zone_named(word) is None for word in self._words):
            yield f"{column} has unknown time zones: {self.zone} is assumed for them; --time-zone ZONE sets another"
        for name, zone in self._in_names.items():
            if zone != self._day_zone:
                yield f"column '{name}': timestamps are in {_shown(zone)}, as its name says"
        if setting is not None and self._day_zone == "UTC" and (remark := self._on_days(setting)):
            yield remark

    def _on_days(self, setting: str) -> Remark | None:
        """Return a remark if the file states another time zone than UTC for its timestamps; else None."""
        given = [self._mapping.time_zone] if self._mapping.time_zone else []
        stated = [*self._in_names.values(), *self._in_column, *self._typed, *given]
        for zone in stated:
            if zone.startswith(FIXED) and zone != FIXED:
                return doubt(f"days are in UTC, but the timestamps are in {_shown(zone)}: set {setting}")
            if zone not in UTC_NAMES:
                return doubt(f"days are in UTC, but the timestamps are in {zone}: set {setting} to {zone}")
        elsewhere = [(minutes, count) for minutes, count in self._offsets.most_common() if minutes]
        total = self._offsets.total()
        if sum(count for _, count in elsewhere) < LEAST_SHARE * total or not elsewhere:
            return None
        minutes, count = elsewhere[0]
        which = "the" if count == total else f"{count / total:.0%} of the"
        offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        return doubt(f"days are in UTC, but {which} timestamps have the offset {offset}: set {setting}")


def _shown(zone: str) -> str:
    """Return the text for a zone in a remark; a fixed offset, whose IANA name has the reverse sign, is ``UTC+7``."""
    return "UTC" + zone.removeprefix(FIXED).translate(REVERSED) if zone.startswith(FIXED) else zone
