"""Payment sources: sources whose rows are payments for orders of other sources.

Payments are reconciled with the orders and do not count as sales. A workspace declares payment sources under
``payments`` in ``ckm.yaml``. A source that its mapping (``payments: yes``) or its platform marks as payments is a
payment source too, if the workspace has orders of another source.
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
TRANSACTIONS = "transactions"
UNDO = "undo"
"""Kind of an undo in the load history."""
YES = ("yes", "true")


def declared_payments(workspace: Workspace) -> tuple[str, ...]:
    """Return the sources that a workspace declares as payments, sorted.

    An unreadable mapping declares nothing here; loading with it shows its error.
    """
    return tuple(sorted({*workspace.config.payments, *payments_beside_orders(workspace)}))


def payments_beside_orders(workspace: Workspace) -> set[str]:
    """Return the sources that a mapping or platform marks as payments, if another source has orders; otherwise none.

    Without orders of another source, payments count as the sales.
    """
    sources = loaded_sources(workspace)
    mapped = _mapped_payments(workspace.maps_dir)
    payments = {source for source in sources if source in mapped or _is_payment_system(source)}
    return payments if sources - payments - {*workspace.config.payments} else set()


def loaded_sources(workspace: Workspace) -> set[str]:
    """Return the sources of a workspace's transactions: names of mappings or platforms, without undone loads."""
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    loads = Store(workspace.store_dir).history()
    standing = (load.facts for load in loads if not load.undone and load.facts.kind != UNDO)
    return {facts.source for facts in standing if facts.table == TRANSACTIONS}


def _mapped_payments(maps: Path) -> set[str]:
    paths = sorted([*maps.glob("*.yaml"), *maps.glob("*.yml")]) if maps.is_dir() else []
    return {name for path in paths if (name := _payments_in(path)) is not None}


def _is_payment_system(source: str) -> bool:
    """Return whether a source is a platform's export of payments; platforms are read only if one has its name."""
    from ckm.io.mapping.platform_file import read_platform
    from ckm.io.mapping.platforms import platform_path

    path = platform_path(source)
    return path is not None and read_platform(path).mapping.payments


def _payments_in(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
        found = yaml.load(text, Loader=yaml.CBaseLoader) if "payments" in text else None  # text columns only
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(found, dict) or str(found.get("payments", "")).casefold() not in YES:
        return None
    return str(found.get("name") or path.stem)


def without_payments(transactions: pl.LazyFrame, sources: Iterable[str]) -> pl.LazyFrame:
    """Return the transactions without the rows of the payment ``sources``.

    >>> rows = pl.LazyFrame({"source": ["shop", "stripe"]})
    >>> without_payments(rows, ["stripe"]).collect()["source"].to_list()
    ['shop']
    """
    declared = sorted(set(sources))
    if not declared or SOURCE not in transactions.collect_schema():
        return transactions
    return transactions.filter(~pl.col(SOURCE).is_in(declared).fill_null(value=False))


def payments_of(transactions: pl.LazyFrame, sources: Iterable[str]) -> pl.LazyFrame:
    """Return the transactions of the payment ``sources``."""
    return transactions.filter(pl.col(SOURCE).is_in(sorted(set(sources))))
