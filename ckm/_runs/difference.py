"""Differences between two manifests: arguments, inputs, settings, code, library versions and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm._runs.manifest import Manifest


@dataclass(frozen=True)
class Difference:
    """One difference between two runs.

    Attributes
    ----------
    what
        Kind of the item that differs: ``command``, ``argument``, ``setting``, ``file``, ``table``, ``saved run``,
        ``erasure``, ``code``, ``version``, ``output``, ``file on disk`` or ``figure``.
    name
        Name of the setting, file, table, library or figure; empty for arguments.
    before, after
        Value of the item in each run, as text; empty if the run does not have the item. A digest is shortened to its
        first eight digits.
    cause
        For a figure, the setting or option that alone makes this difference; empty if the difference is that of all
        causes together.
    """

    what: str
    name: str
    before: str
    after: str
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.name}: {self.before or 'absent'}, now {self.after or 'absent'}"


def causes(one: Manifest, other: Manifest) -> list[Difference]:
    """Return the differences between two runs that can change a result: all except those of outputs.

    The order is: command or arguments, erasures, tables, files, settings, saved runs, code, library versions.
    """
    found: list[Difference] = []
    if one.command != other.command:
        found.append(Difference("command", one.command, one.command, other.command))
    elif one.arguments != other.arguments:
        found.append(Difference("argument", "", " ".join(one.arguments), " ".join(other.arguments)))
    before, after = one.inputs, other.inputs
    if before["erasures"] != after["erasures"]:
        found.append(Difference("erasure", "receipts", str(before["erasures"]), str(after["erasures"])))
    found += _each("table", before["tables"], after["tables"])
    found += _each("file", before["files"], after["files"])
    found += _each("setting", one.settings, other.settings)
    found += _each("saved run", before["saved"], after["saved"])
    found += _each("code", one.code, other.code)
    found += _each("version", one.versions, other.versions)
    return found


def effects(one: Manifest, other: Manifest) -> list[Difference]:
    """Return the differences between the outputs of two runs: digests of files, then figures, sorted by name."""
    by_suffix = {path.rpartition(".")[2]: facts for path, facts in other.outputs.items()}
    found: list[Difference] = []
    figures: list[Difference] = []
    for path, facts in one.outputs.items():
        # Two runs may write to different files: then the file of the same format is compared.
        match = other.outputs.get(path) or by_suffix.get(path.rpartition(".")[2])
        if match is None:
            found.append(Difference("output", path, short(facts["sha256"]), ""))
            continue
        if facts["sha256"] != match["sha256"]:
            found.append(Difference("output", path, short(facts["sha256"]), short(match["sha256"])))
        figures += figure_differences(facts["figures"], match["figures"])
    return found + figures


def figure_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the differences between the figures of two output files, sorted by name.

    Parameters
    ----------
    before, after
        Value of each figure by its name, as returned by :func:`ckm._runs.figures.figures_of`.
    """
    return _each("figure", before, after)


def _each(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield a difference of kind ``what`` for each name whose values in two mappings differ, sorted by name."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Difference(what, name, _text(before.get(name)), _text(after.get(name)))


def short(digest: str | None) -> str:
    """Return the first eight digits of a digest; an empty text for None."""
    return (digest or "")[:8]


def _text(value: Any) -> str:
    """Return a value of a manifest as text for a reader: digests shortened, numbers with ten significant digits."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    return short(text) if len(text) == 64 and set(text) <= set("0123456789abcdef") else text
