"""Metric catalogue of ``ckm evaluate``: section and unit of each metric, and its texts in each language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._loyalty.words import load_words
from ckm.errors import UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm._loyalty.words import Words

DATA = Path(__file__).parents[1] / "data"
FILE, FOLDER = DATA / "evaluation_metrics.yaml", DATA / "evaluation"
SCHEMA = "ckm.evaluation_metrics/1"
MONEY, SHARE, COUNT, DAYS, HOURS, MONTHS = "money", "share", "count", "days", "hours", "months"
UNITS = (MONEY, SHARE, COUNT, DAYS, HOURS, MONTHS)


@dataclass(frozen=True)
class MetricEntry:
    """Definition of a metric.

    Attributes
    ----------
    section
        Section of the report that shows the metric.
    unit
        One of :data:`UNITS`.
    of
        Dimension by which the metric is broken down: audience, state, mode, move or tier; empty without a breakdown.
    """

    section: str
    unit: str
    of: str = ""


@cache
def load_metrics() -> Mapping[str, MetricEntry]:
    """Return the definition of each metric by its name, in the order of the report.

    Raises
    ------
    UsageError
        ``ckm/data/evaluation_metrics.yaml`` has another schema or an unknown unit.
    """
    document = read_yaml(FILE)
    assert document is not None
    keys = document.fields(("schema", "metrics"))
    if keys["schema"].text() != SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not the metrics of an evaluation")
    found = {}
    for entry in keys["metrics"].items():
        values = entry.mapping()
        name, section, unit = (values[key].text() for key in ("name", "section", "unit"))
        if unit not in UNITS:
            raise UsageError(f"{values['unit'].where}: unknown unit '{unit}'")
        found[name] = MetricEntry(section, unit, values["of"].text() if "of" in values else "")
    return found


def texts(lang: str) -> Words:
    """Return the texts of the report in a language (en, de, zh-Hans, zh-Hant, th, fa)."""
    return load_words(lang, FOLDER)
