"""Attribution of differences: a run is computed again with one cause of another run at a time."""

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
"""Causes that are tried; each takes as long as the command itself."""
DURATIONS = ("d", "mo")
"""Units of settings that a manifest has as a number."""


@dataclass(frozen=True)
class Cause:
    """A difference that can be undone: a setting or an option, and how a run is computed again with it.

    Attributes
    ----------
    text
        Name, such as ``setting time_zone``.
    variables
        Environment of the run.
    arguments
        Arguments of the run; None for those of the manifest.
    """

    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None


def setting_causes(root: Path, wanted: Mapping[str, Any]) -> tuple[list[Cause], list[str]]:
    """Return how the present settings become ``wanted``, and the names of those for which this is not possible.

    A setting is given by its environment variable. It is not possible for a value that a manifest does not show, and
    for null where ``ckm.yaml`` has a value.
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
    """Yield the texts that may stand for a value of a manifest."""
    if isinstance(value, list):
        yield ", ".join(map(str, value))
    elif isinstance(value, bool):
        yield json.dumps(value)
    elif value is not None:
        yield str(value)
        yield from (f"{value}{unit}" for unit in DURATIONS)


def _gives(root: Path, variable: str, text: str, name: str, wanted: Mapping[str, Any]) -> bool:
    from ckm.errors import CkmError

    try:
        return bool(settings_of(root, {variable: text}).get(name) == wanted[name])
    except CkmError:
        return False


def option_causes(base: Manifest, other: Manifest) -> list[Cause]:
    """Return each option that differs between two runs, with the arguments of ``base`` that have that of ``other``."""
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
    """Return the words of each option, with its name, and under ``""`` those before the first option.

    Arguments come first in a manifest, or behind an option with a value, to which they are counted then.
    """
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for word in words:
        name = word if word.startswith("-") else name
        found[name] = (*found.get(name, ()), word)
    return found


def is_reproduced(root: Path, run: Manifest, cause: Cause) -> bool:
    """Return whether a run with a cause has the outputs of its manifest again."""
    try:
        made = _computed(root, run, cause)
    except RecomputeError:
        return False
    return all(
        made[path].is_file() and file_digest(made[path]) == facts["sha256"] for path, facts in run.outputs.items()
    )


def attributed(root: Path, one: Manifest, other: Manifest) -> tuple[list[Difference], list[str], list[str]]:
    """Return what each cause alone does to the figures, sentences, and the causes that cannot be undone.

    The later run is computed again with one cause of the earlier at a time; if its inputs are no longer there, the
    earlier one with one cause of the later.

    Returns
    -------
    tuple
        Differences of figures with their cause, in the direction from ``one`` to ``other``; remarks; and the settings
        that cannot be set again.
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
    again = run if cause.arguments is None else replace(run, arguments=cause.arguments)
    return recompute(root, again, cause.variables)
