"""Registry of segment methods: the names in ``--by`` and in definitions, and their functions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from ckm.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm._segment.definition import Definition, TrainingData
    from ckm.yamlfile import YamlEntry


@dataclass(frozen=True)
class Method:
    """Functions and properties of a segment method.

    Attributes
    ----------
    read
        Function that reads a definition from the output of its ``to_plain``.
    fit
        Function that fits a definition to customers; None if users write the definition.
    scope
        Scope of the features that the method needs: ``rfm`` or ``all``.
    with_prospects
        Whether customers without a purchase have a segment too.
    of_money
        Whether the method needs amounts.
    """

    read: Callable[[YamlEntry], Definition]
    fit: Callable[[TrainingData], Definition] | None = None
    scope: Literal["rfm", "all"] = "all"
    with_prospects: bool = False
    of_money: bool = False


def _of(module: str, name: str) -> Callable[[Any], Definition]:
    """Return a function of a method's package, which is imported when the function is called."""

    def call(argument: Any) -> Definition:
        found: Definition = getattr(import_module(f"ckm._segment.{module}"), name)(argument)
        return found

    return call


METHODS = {
    "rfm": Method(_of("rfm.definition", "read_rfm"), _of("rfm.definition", "fit_rfm"), scope="rfm"),
    "value": Method(_of("value.definition", "read_value"), _of("value.definition", "fit_value"), of_money=True),
    "lifecycle": Method(
        _of("lifecycle.definition", "read_lifecycle"), _of("lifecycle.definition", "fit_lifecycle"), with_prospects=True
    ),
    "clusters": Method(_of("clusters.learn", "read_clusters"), _of("clusters.learn", "fit_clusters")),
    "rules": Method(_of("rules.definition", "read_rules")),
}
"""Methods by name."""


def find_method(name: str) -> Method:
    """Return the segment method with this name.

    Raises
    ------
    UnknownNameError
        The method is unknown; a similar one is suggested.
    """
    if name not in METHODS:
        raise UnknownNameError("method", name, METHODS)
    return METHODS[name]
