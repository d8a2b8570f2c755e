"""The settings of a workspace, and the workspace that they belong to.

A setting comes from an option of the command, else from the environment (``CKM_INGEST_MAX_REJECTS``), else from
``ckm.yaml``, else from the default here. ``ckm/data/ckm.yaml``, which ``ckm init`` writes, documents each of them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import YamlEntry, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG_NAME = "ckm.yaml"
ENVIRONMENT_PREFIX = "CKM_"
UNITS = {"h": "hours", "d": "days", "w": "weeks"}

T = TypeVar("T")


def parse_share(text: str) -> float:
    """Return ``5%`` or ``0.05`` as 0.05."""
    number = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", text)
    share = float(number[1]) / (100 if number[2] else 1) if number else -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"'{text}' is no share between 0 and 1", hint="write it as 5% or 0.05")
    return share


def parse_duration(text: str) -> timedelta:
    """Return ``12h``, ``7d`` or ``2w`` as a span of time."""
    number = re.fullmatch(r"\s*(\d+)\s*([hdw])\s*", text)
    if number is None:
        raise UsageError(f"'{text}' is no span of time", hint="write it as 12h, 7d or 2w")
    return timedelta(**{UNITS[number[2]]: int(number[1])})


def parse_currency(text: str) -> str:
    """Return ``text`` if it has the form of an ISO 4217 code."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise UsageError(f"'{text}' is no currency code", hint="write three capital letters, such as EUR")
    return text


def parse_time_zone(text: str) -> str:
    """Return ``text`` if it names a time zone of the IANA database."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise UnknownTimeZoneError(text) from None
    return text


def parse_number(text: str) -> float:
    """Return ``text`` as a number."""
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' is no number") from None


class UnknownTimeZoneError(UnknownNameError):
    """A time zone that the IANA database does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("time zone", name, sorted(available_timezones()))
        if not (self.hint or "").startswith("did you mean"):
            self.hint = "write it as Europe/Berlin or UTC"


def _setting(default: T, parse: Callable[[str], T]) -> T:
    """Declare a field that is one value, read from text by ``parse``."""
    return field(default=default, metadata={"parse": parse})


def _per_name(default: Mapping[str, T], parse: Callable[[str], T], *, any_name: bool = False) -> Mapping[str, T]:
    """Declare a field that is one value per name; the names of ``default`` are all there are unless ``any_name``."""
    fixed = MappingProxyType(dict(default))
    return field(default_factory=lambda: fixed, metadata={"parse": parse, "default": fixed, "any_name": any_name})


@dataclass(frozen=True)
class IngestSettings:
    """How ``ckm ingest`` loads.

    Attributes
    ----------
    max_rejects
        Largest share of a file's records that may be quarantined; above it nothing of the file is loaded.
    """

    max_rejects: float = _setting(0.05, parse_share)


@dataclass(frozen=True)
class CheckSettings:
    """What ``ckm check`` finds worth a word.

    Attributes
    ----------
    max_without_customer
        Largest share of sales without a customer.
    max_unknown_customer
        Largest share of sales whose customer is not in the table of customers.
    control_tolerance
        Largest difference between a month's total and finance's, as a share of finance's.
    """

    max_without_customer: float = _setting(0.2, parse_share)
    max_unknown_customer: float = _setting(0.01, parse_share)
    control_tolerance: float = _setting(0.001, parse_share)


@dataclass(frozen=True)
class Config:
    """All settings of a workspace.

    Attributes
    ----------
    currency
        Currency of amounts whose source names none, ISO 4217.
    time_zone
        Zone of times whose source names none, as in the IANA database.
    ingest, check
        See :class:`IngestSettings`, :class:`CheckSettings`.
    freshness
        Per table the greatest age that its newest row may have; a table that is not named has no limit.
    goals
        What the team wants to reach, numbers by names of its own.
    """

    currency: str = _setting("EUR", parse_currency)
    time_zone: str = _setting("UTC", parse_time_zone)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    freshness: Mapping[str, timedelta] = _per_name(
        {"transactions": timedelta(days=7), "interactions": timedelta(days=14), "customers": timedelta(days=90)},
        parse_duration,
    )
    check: CheckSettings = field(default_factory=CheckSettings)
    goals: Mapping[str, float] = _per_name({}, parse_number, any_name=True)


@dataclass(frozen=True)
class Workspace:
    """A folder with a ``ckm.yaml``, and where things lie in it."""

    root: Path
    config: Config

    @property
    def store_dir(self) -> Path:
        """The Delta tables."""
        return self.root / "store"

    @property
    def maps_dir(self) -> Path:
        """One mapping per source."""
        return self.root / "maps"

    @property
    def kb_dir(self) -> Path:
        """The knowledge entries."""
        return self.root / "kb"

    @property
    def out_dir(self) -> Path:
        """Results."""
        return self.root / "out"


def find_workspace(start: Path) -> Path | None:
    """Return the first folder from ``start`` upwards that holds a ``ckm.yaml``, or None."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / CONFIG_NAME).is_file()), None)


def open_workspace(root: Path | None = None) -> Workspace:
    """Return the workspace at ``root``, or without one the workspace around the current folder.

    Raises
    ------
    UsageError
        There is none, or its ``ckm.yaml`` has a mistake.
    """
    found = find_workspace(Path.cwd()) if root is None else root
    if found is None:
        raise UsageError(
            f"no {CONFIG_NAME} here or above", hint="make a workspace with 'ckm init DIR', or name one by -C"
        )
    return Workspace(found.resolve(), load_config(found))


def load_config(root: Path | None) -> Config:
    """Return the settings of the workspace at ``root``; without one the environment's and the defaults.

    Raises
    ------
    UsageError
        ``ckm.yaml`` is missing, is no YAML, or holds an unknown key or an unfit value (named by file and line); or a
        ``CKM_*`` variable is unfit.
    """
    if root is None:
        return _fill(Config, {}, "", ENVIRONMENT_PREFIX)
    path = root / CONFIG_NAME
    if not path.is_file():
        raise UsageError(f"{root} is no workspace: it has no {CONFIG_NAME}", hint=f"make one with 'ckm init {root}'")
    document = read_yaml(path)
    return _fill(Config, document.mapping() if document is not None else {}, "", ENVIRONMENT_PREFIX)


def _fill(cls: type[T], entries: Mapping[str, YamlEntry], inside: str, prefix: str) -> T:
    """Return the settings class ``cls`` from the file's ``entries`` and from the environment, which wins."""
    assert is_dataclass(cls)
    known = {each.name: each for each in fields(cls)}
    for name in [each for each in entries if each not in known]:
        raise UnknownNameError("setting", inside + name, [inside + each for each in known], where=entries[name].where)
    values: dict[str, Any] = {}
    for name, each in known.items():
        entry = entries.get(name)
        variable = prefix + name.upper()
        if isinstance(each.default_factory, type):
            children = entry.mapping() if entry is not None else {}
            values[name] = _fill(each.default_factory, children, f"{name}.", f"{variable}_")
        elif "default" in each.metadata:
            values[name] = _named_values(each.metadata, entry, f"{variable}_")
        elif variable in os.environ:
            values[name] = _parsed(each.metadata["parse"], os.environ[variable], variable)
        elif entry is not None and not entry.is_null:
            values[name] = _parsed(each.metadata["parse"], entry.text(), entry.where)
    return cls(**values)


def _named_values(metadata: Mapping[str, Any], entry: YamlEntry | None, prefix: str) -> Mapping[str, Any]:
    """Return one value per name: the defaults, changed by the file's, changed by the environment's.

    Null in the file takes a name out: no limit.
    """
    default: Mapping[str, Any] = metadata["default"]
    values = dict(default)
    for name, child in (entry.mapping() if entry is not None else {}).items():
        if name not in default and not metadata["any_name"]:
            raise UnknownNameError("table", name, default, where=child.where)
        if child.is_null:
            values.pop(name, None)
        else:
            values[name] = _parsed(metadata["parse"], child.text(), child.where)
    for name in {**default, **values}:
        if (variable := prefix + name.upper()) in os.environ:
            values[name] = _parsed(metadata["parse"], os.environ[variable], variable)
    return MappingProxyType(values)


def _parsed(parse: Callable[[str], T], text: str, where: str) -> T:
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", hint=error.hint, where=where) from None
