"""Registry of segment methods: the names in ``--by`` and in definitions, and their functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ckm._segment.clusters.learn import fit_clusters, read_clusters
from ckm._segment.lifecycle.definition import fit_lifecycle, read_lifecycle
from ckm._segment.rfm.definition import fit_rfm, read_rfm
from ckm._segment.rules.definition import read_rules
from ckm._segment.value.definition import fit_value, read_value
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


METHODS = {
    "rfm": Method(read_rfm, fit_rfm, scope="rfm"),
    "value": Method(read_value, fit_value, of_money=True),
    "lifecycle": Method(read_lifecycle, fit_lifecycle, with_prospects=True),
    "clusters": Method(read_clusters, fit_clusters),
    "rules": Method(read_rules),
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
