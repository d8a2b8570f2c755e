"""Recorded runs of a workspace: functions to list, show, verify, compare and remove them, as ``ckm runs`` does.

>>> import ckm
>>> ckm.runs.runs("shop").frame                     # doctest: +SKIP
>>> ckm.runs.verify("shop", "0123456789").remarks   # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._runs.attribution import MOST_CAUSES, Cause, attributed, is_reproduced, setting_causes
from ckm._runs.difference import Difference, causes, effects, short
from ckm._runs.manifest import FOLDER, Manifest, find_manifest, manifests
from ckm._runs.recompute import later_files, recompute
from ckm._runs.state import code_of, inputs_of, settings_of, versions_of
from ckm.config import open_workspace
from ckm.errors import CkmError
from ckm.metadata import file_digest
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os

MOST_NAMED = 5
"""Maximum number of causes that a sentence lists by name."""
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".json", ".ndjson", ".md", ".html", ".yaml"})
SCHEMA = dict.fromkeys(("what", "name", "before", "after", "cause"), pl.String)


@dataclass(frozen=True)
class Runs(Result):
    """Recorded runs of a workspace, oldest first.

    Attributes
    ----------
    manifests
        Manifest of each run.
    remarks
        Remarks for the user.
    """

    manifests: tuple[Manifest, ...]
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per run: run, command, arguments, recorded_at (ISO 8601, UTC), outputs (paths); all are texts."""
        return pl.DataFrame(
            [
                (each.run, each.command, " ".join(each.arguments), each.recorded_at, ", ".join(each.outputs))
                for each in self.manifests
            ],
            schema=dict.fromkeys(("run", "command", "arguments", "recorded_at", "outputs"), pl.String),
            orient="row",
        )

    @property
    def summary(self) -> pl.DataFrame:
        """One row per command: command, runs (number of runs)."""
        return self.frame.group_by("command").agg(pl.len().alias("runs")).sort("command")


@dataclass(frozen=True)
class RunComparison(Result):
    """Differences between two recorded runs, or between a recorded run and the same run computed again.

    Attributes
    ----------
    run
        Name of the first run.
    causes
        Differences that can change a result: arguments, inputs, settings, code and library versions.
    effects
        Differences between output files and between figures. From :func:`verify`, also output files on disk whose
        content differs from the manifest.
    remarks
        Remarks for the user.
    """

    run: str
    causes: tuple[Difference, ...]
    effects: tuple[Difference, ...]
    remarks: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether all outputs are equal: there are no effects."""
        return not self.effects

    @property
    def frame(self) -> pl.DataFrame:
        """One row per difference, causes before effects: what, name, before, after, cause.

        All columns are texts; see :class:`ckm._runs.difference.Difference`.
        """
        rows = [(each.what, each.name, each.before, each.after, each.cause) for each in (*self.causes, *self.effects)]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    @property
    def summary(self) -> pl.DataFrame:
        """One row per kind of difference: what, differences (number)."""
        return self.frame.group_by("what").agg(pl.len().alias("differences")).sort("what")


def runs(source: str | os.PathLike[str] | None = None) -> Runs:
    """Return the recorded runs of a workspace, oldest first.

    Parameters
    ----------
    source
        The workspace; None for the workspace that contains the current folder.

    Raises
    ------
    InputError
        A file in ``runs/`` is not a manifest.
    """
    return Runs(tuple(manifests(_root(source))))


def show(source: str | os.PathLike[str] | None, run: str) -> Manifest:
    """Return the manifest of a run.

    Parameters
    ----------
    source
        The workspace; None for the workspace that contains the current folder.
    run
        Name of the run, or at least its first four digits.

    Raises
    ------
    UnknownNameError
        No run has this name, or the names of several requests begin with these digits.
    """
    return find_manifest(_root(source), run)


def verify(source: str | os.PathLike[str] | None, run: str) -> RunComparison:
    """Compute a run again, and compare the bytes of its outputs with the digests in its manifest.

    The command runs in a copy of the workspace, with present inputs, settings, code and library versions.

    Parameters
    ----------
    source
        The workspace; None for the workspace that contains the current folder.
    run
        Name of the run, or at least its first four digits.

    Returns
    -------
    RunComparison
        ``causes`` are the changes of inputs, settings, code and library versions since the run. ``equal`` is true,
        whatever the causes, if each computed output has the recorded bytes and no output file on disk was changed
        after the run; a file that was removed is a remark.

    Raises
    ------
    UnknownNameError
        No run has this name, or the names of several requests begin with these digits.
    RecomputeError
        The command fails; the hint names what has changed since the run.
    """
    root = _root(source)
    then = find_manifest(root, run)
    arguments = [Path(word) for word in then.arguments if not word.startswith("-")]
    named = [root / each for each in arguments if (root / each).exists()]
    inputs = inputs_of(root, then.command, named)
    later = later_files(
        root, then
    )  # `recompute` removes these files, and later analyses, from its copy of the workspace
    files = {name: digest for name, digest in inputs["files"].items() if name not in later}
    saved = {name: digest for name, digest in inputs["saved"].items() if name in then.inputs["saved"]}
    now = replace(
        then,
        settings=settings_of(root),
        inputs={**inputs, "files": files, "saved": saved},
        code=code_of(),
        versions=versions_of(),
    )
    found = causes(then, now)
    try:
        made = recompute(root, then)
    except CkmError as error:
        raise type(error)(str(error), hint=_cause_text(found)) from error
    differing: list[Difference] = []
    remarks: list[str] = []
    for path, facts in then.outputs.items():
        digest, written = file_digest(made[path]) if made[path].is_file() else None, root / path
        kept = file_digest(written) if written.is_file() else None
        if digest != facts["sha256"]:
            differing.append(Difference("output", path, short(facts["sha256"]), short(digest)))
            if kept == facts["sha256"] and digest is not None:
                remarks.append(f"{path}: {_first_difference(written, made[path])}")
        if kept is None:
            remarks.append(f"{path} is no longer there")
        elif kept != facts["sha256"]:
            differing.append(Difference("file on disk", path, short(facts["sha256"]), short(kept)))
    culprit = _culprit_text(root, then) if any(each.what == "output" for each in differing) else ""
    remarks += [culprit or _verdict(found, differing, then)]
    return RunComparison(then.run, tuple(found), tuple(differing), tuple(reversed(remarks)))


def diff(source: str | os.PathLike[str] | None, run: str, other: str) -> RunComparison:
    """Return the differences between two recorded runs, and attribute differences of figures to their causes.

    To attribute them, one run is computed again with one differing setting or option of the other run at a time.
    Differences of inputs, code and library versions cannot be attributed, because a manifest has only their digests:
    a remark lists them.

    Parameters
    ----------
    source
        The workspace; None for the workspace that contains the current folder.
    run, other
        Names of the runs (before, after), or at least their first four digits.

    Returns
    -------
    RunComparison
        Causes; then differences of outputs and figures, and the figures that a single cause changes.

    Raises
    ------
    UnknownNameError
        No run has one of these names, or the names of several requests begin with these digits.
    """
    root = _root(source)
    one, two = find_manifest(root, run), find_manifest(root, other)
    found = RunComparison(one.run, tuple(causes(one, two)), tuple(effects(one, two)))
    if not found.causes or found.equal:
        return replace(found, remarks=("the differences have no effect on the outputs",)) if found.causes else found
    rest = [each for each in found.causes if each.what not in ("argument", "setting")]
    if len(found.causes) == 1:
        return (
            replace(found, remarks=(f"the only cause: {rest[0].what} {rest[0].name}",))
            if rest
            else _attributed(root, one, two, found)
        )
    return _attributed(root, one, two, found)


def _attributed(root: Path, one: Manifest, two: Manifest, found: RunComparison) -> RunComparison:
    """Return a comparison with the figures that a single setting or option changes, added to its effects.

    Its remarks name the causes that could not be attributed.
    """
    parts, remarks, impossible = attributed(root, one, two)
    rest = [f"{each.what} {each.name}".strip() for each in found.causes if each.what not in ("argument", "setting")]
    rest += [f"setting {name}" for name in impossible]
    if rest:
        remarks.append(f"not attributed, because their earlier state is not kept: {', '.join(rest)}")
    return replace(found, effects=(*found.effects, *parts), remarks=tuple(remarks))


def prune(source: str | os.PathLike[str] | None = None, *, keep: int = 1, dry_run: bool = False) -> Runs:
    """Remove the manifests of older runs; their output files are not removed.

    Runs of the same command with the same paths of output files are one group, of which the newest are kept.

    Parameters
    ----------
    source
        The workspace; None for the workspace that contains the current folder.
    keep
        Number of runs to keep of each group.
    dry_run
        Whether to return the runs without removing them.

    Returns
    -------
    Runs
        The removed runs; in a dry run those that would be removed.
    """
    root = _root(source)
    groups: dict[tuple[str, ...], list[Manifest]] = {}
    for each in manifests(root):
        groups.setdefault((each.command, *sorted(each.outputs)), []).append(each)
    removed = [each for group in groups.values() for each in group[: max(0, len(group) - keep)]]
    for each in removed if not dry_run else ():
        (root / FOLDER / f"{each.run}.json").unlink(missing_ok=True)
    return Runs(tuple(removed))


def _root(source: str | os.PathLike[str] | None) -> Path:
    return open_workspace(None if source is None else Path(source)).root


def _cause_text(found: list[Difference]) -> str:
    """Return a sentence on why the outputs of a run may differ: the erasures, or the causes by name."""
    erased = [each for each in found if each.what == "erasure"]
    if erased:
        return "inputs erased: customers were erased after the run"
    if not found:
        return "nothing that it read has changed"
    more = f"; and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    ordered = sorted(found, key=lambda each: each.what == "saved run")
    return f"changed since the run: {'; '.join(map(str, ordered[:MOST_NAMED]))}{more}"


def _culprit_text(root: Path, then: Manifest) -> str:
    """Return a sentence that names the settings whose earlier values reproduce the outputs; empty if none do."""
    settings, _ = setting_causes(root, then.settings)
    for cause in settings[:MOST_CAUSES]:
        if is_reproduced(root, then, cause):
            return f"{cause.text} makes the difference: with its earlier value the outputs are byte for byte equal"
    if len(settings) > 1:
        whole = Cause("", {name: value for each in settings for name, value in each.variables.items()})
        if is_reproduced(root, then, whole):
            names = ", ".join(each.text for each in settings)
            return f"several settings together make the difference: {names}"
    return ""


def _verdict(found: list[Difference], differing: list[Difference], then: Manifest) -> str:
    """Return the result of a verification as a sentence.

    ``found`` are the causes, ``differing`` the output files that differ from the manifest ``then``.
    """
    if differing and all(each.what == "file on disk" for each in differing):
        return "the run computes the same bytes again; the file on disk was changed after it"
    if differing:
        return _cause_text(found)
    count = len(then.outputs)
    equal = f"{counted(count, 'output')} computed again, byte for byte equal"
    return f"{equal}; {counted(len(found), 'change')} since the run without effect on it" if found else equal


def _first_difference(one: Path, other: Path) -> str:
    """Return the position of the first difference between two files, as a sentence without any content of the files.

    The position is line and column (1-based, in bytes) for suffixes of text files, else the 1-based byte.
    """
    before, after = one.read_bytes(), other.read_bytes()
    at = next((at for at, (left, right) in enumerate(zip_longest(before, after)) if left != right), 0)
    if one.suffix in TEXT_SUFFIXES:
        line = before[:at].count(b"\n") + 1
        column = at - before.rfind(b"\n", 0, at)
        return f"first difference in line {line:,}, column {column:,}"
    return f"first difference at byte {at + 1:,}"
