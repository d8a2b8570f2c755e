"""Attribution of the differences between two runs to their causes.

One of the two runs is computed again, each time with a single setting or option of the other run; the figures that
change are attributed to this setting or option.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ckm._runs.difference import Difference, figure_differences
from ckm._runs.figures import figures_of
from ckm._runs.recompute import RecomputeError, recompute
from ckm._runs.state import settings_of
from ckm.config import ENVIRONMENT_PREFIX
from ckm.metadata import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ckm._runs.manifest import Manifest

MOST_CAUSES = 12
"""Maximum number of causes that are tested; each test runs the command once."""
DURATIONS = ("d", "mo")
"""Unit suffixes of durations (days, months): a manifest stores a duration as a number, a setting needs the unit."""


@dataclass(frozen=True)
class Cause:
    """A setting or option that differs between two runs, and how to compute a run with its other value.

    Attributes
    ----------
    text
        Name of the cause, such as ``setting time_zone`` or ``option --as-of``.
    variables
        Environment variables to set for the run, by name; empty for an option.
    arguments
        Arguments to run the command with; None to use the arguments of the manifest.
    """

    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None


def setting_causes(root: Path, wanted: Mapping[str, Any]) -> tuple[list[Cause], list[str]]:
    """Return a cause for each setting whose present value differs from ``wanted``.

    A cause sets the environment variable of its setting to the wanted value. This is impossible if the manifest has
    only a digest of the wanted value, or if the wanted value is null and ``ckm.yaml`` has a value.

    Parameters
    ----------
    root
        The workspace, whose present settings are compared.
    wanted
        Value of each setting by its dotted name, as in a manifest.

    Returns
    -------
    tuple
        The causes, sorted by the name of the setting; and the names of settings that cannot be set to the wanted value.
    """
    found: list[Cause] = []
    impossible = []
    present = settings_of(root)
    for name in sorted(name for name in {*present, *wanted} if present.get(name) != wanted.get(name)):
        variable = ENVIRONMENT_PREFIX + name.upper().replace(".", "_")
        value = next((each for each in _texts(wanted.get(name)) if _gives(root, variable, each, name, wanted)), None)
        if value is None:
            impossible.append(name)
        else:
            found.append(Cause(f"setting {name}", {variable: value}))
    return found, impossible


def _texts(value: Any) -> Iterator[str]:
    """Yield texts that an environment variable may need to get the value of a manifest; none for null."""
    if isinstance(value, list):
        yield ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield json.dumps(value)
    elif value is not None:
        yield str(value)
        yield from (f"{value}{unit}" for unit in DURATIONS)


def _gives(root: Path, variable: str, text: str, name: str, wanted: Mapping[str, Any]) -> bool:
    """Return whether the setting ``name`` gets its wanted value if an environment variable is set to ``text``."""
    from ckm.errors import CkmError

    try:
        return bool(settings_of(root, {variable: text}).get(name) == wanted[name])
    except CkmError:
        return False


def option_causes(base: Manifest, other: Manifest) -> list[Cause]:
    """Return a cause for each option that differs between two runs of one command, sorted by name of the option.

    The arguments of a cause are those of ``base``, with this one option as in ``other``.
    """
    mine, others = _by_option(base.arguments), _by_option(other.arguments)
    found = []
    for name in sorted(name for name in {*mine, *others} if mine.get(name) != others.get(name)):
        changed = {**mine, **({name: others[name]} if name in others else {})}
        if name not in others:
            changed.pop(name)
        words = tuple(word for each in ("", *(key for key in changed if key)) for word in changed.get(each, ()))
        found.append(Cause(f"option {name}" if name else "arguments", arguments=words))
    return found


def _by_option(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the words of a command line by option; the words before the first option have the key ``""``.

    The words of an option begin with its name. A positional argument after an option is counted as a word of this
    option, because the command line alone does not show which words are values.
    """
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for word in words:
        name = word if word.startswith("-") else name
        found[name] = (*found.get(name, ()), word)
    return found


def is_reproduced(root: Path, run: Manifest, cause: Cause) -> bool:
    """Return whether a run, computed again with a cause, writes the same bytes as its manifest has digests of.

    False also if the command fails or does not write one of the outputs.
    """
    try:
        made = _computed(root, run, cause)
    except RecomputeError:
        return False
    return all(
        made[path].is_file() and file_digest(made[path]) == facts["sha256"] for path, facts in run.outputs.items()
    )


def attributed(root: Path, one: Manifest, other: Manifest) -> tuple[list[Difference], list[str], list[str]]:
    """Attribute differences between the figures of two runs to single settings and options.

    The run ``other`` is computed again with one setting or option of ``one`` at a time. If ``other`` can no longer be
    reproduced, because an input has changed, ``one`` is computed again with one setting or option of ``other``.

    Parameters
    ----------
    root
        The workspace.
    one, other
        The two runs; at most :data:`MOST_CAUSES` causes are tested.

    Returns
    -------
    tuple
        Differences of figures, each with the cause that alone makes it (before: ``one``, after: ``other``); remarks;
        and the names of differing settings that cannot be set to the value of the other run.
    """
    for base in (other, one):
        restored, _ = setting_causes(root, base.settings)
        plain = Cause("", {name: value for each in restored for name, value in each.variables.items()})
        if is_reproduced(root, base, plain):
            break
    else:
        return [], ["no cause is attributed: neither run can be computed again with what is there now"], []
    opposite = one if base is other else other
    settings, impossible = setting_causes(root, opposite.settings)
    differing = {
        name for name in {*one.settings, *other.settings} if one.settings.get(name) != other.settings.get(name)
    }
    causes = [each for each in settings if each.text.removeprefix("setting ") in differing]
    if base.command == opposite.command:
        causes += option_causes(base, opposite)
    found: list[Difference] = []
    remarks: list[str] = []
    for cause in causes[:MOST_CAUSES]:
        try:
            made = _computed(root, base, replace(cause, variables={**plain.variables, **cause.variables}))
        except RecomputeError:
            remarks.append(f"{cause.text}: the run cannot be computed with this alone")
            continue
        changed = [
            each
            for path, facts in base.outputs.items()
            for each in figure_differences(facts["figures"], figures_of(made[path]))
        ]
        bytes_differ = any(file_digest(made[path]) != facts["sha256"] for path, facts in base.outputs.items())
        swap = base is other
        found += [
            Difference("figure", each.name, each.after if swap else each.before, each.before if swap else each.after,
                       cause.text)
            for each in changed
        ]  # fmt: skip
        if not changed:
            remarks.append(
                f"{cause.text} alone changes {'bytes of the output, and no figure' if bytes_differ else 'nothing'}"
            )
    return found, remarks, [name for name in impossible if name in differing]


def _computed(root: Path, run: Manifest, cause: Cause) -> dict[str, Path]:
    """Compute a run again with a cause; return the path of each new output by its path in the manifest."""
    again = run if cause.arguments is None else replace(run, arguments=cause.arguments)
    return recompute(root, again, cause.variables)
