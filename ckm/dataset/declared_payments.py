"""Sources whose rows are payments for orders of other sources: reconciled with these, and not added to them.

A workspace declares them by ``payments`` in ``ckm.yaml`` (names of sources) or in a mapping (``payments: yes``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ckm.config import Workspace

SOURCE = "source"
YES = ("yes", "true")


def declared_payments(workspace: Workspace) -> tuple[str, ...]:
    """Return the sources that a workspace declares to be payments, sorted.

    A mapping that cannot be read declares nothing; whoever loads by it is told what is wrong with it.
    """
    maps = workspace.maps_dir
    paths = sorted([*maps.glob("*.yaml"), *maps.glob("*.yml")]) if maps.is_dir() else []
    named = [name for path in paths if (name := _payments_in(path)) is not None]
    return tuple(sorted({*workspace.config.payments, *named}))


def _payments_in(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
        found = yaml.load(text, Loader=yaml.CBaseLoader) if "payments" in text else None  # texts only
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(found, dict) or str(found.get("payments", "")).casefold() not in YES:
        return None
    return str(found.get("name") or path.stem)


def without_payments(transactions: pl.LazyFrame, sources: Iterable[str]) -> pl.LazyFrame:
    """Return the rows that are of no such source.

    >>> rows = pl.LazyFrame({"source": ["shop", "stripe"]})
    >>> without_payments(rows, ["stripe"]).collect()["source"].to_list()
    ['shop']
    """
    declared = sorted(set(sources))
    if not declared or SOURCE not in transactions.collect_schema():
        return transactions
    return transactions.filter(~pl.col(SOURCE).is_in(declared).fill_null(value=False))


def payments_of(transactions: pl.LazyFrame, sources: Iterable[str]) -> pl.LazyFrame:
    """Return the rows of such sources."""
    return transactions.filter(pl.col(SOURCE).is_in(sorted(set(sources))))
