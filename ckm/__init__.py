"""ckm: customer knowledge from files, on one machine, with no server.

>>> import ckm
>>> shop = ckm.open("shop")             # a workspace, a file, a folder or a table  # doctest: +SKIP
>>> shop.segment(by="value").summary    # doctest: +SKIP
>>> shop.churn(horizon="90d").save("call.csv")  # doctest: +SKIP

The same as functions, such as ``ckm.segment.segment``, ``ckm.churn.churn`` and ``ckm.loyalty.loyalty``: see
``docs/reference/python-api.md``. Errors are those of ``ckm.errors``.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # importing typing would take a fifth of the time of `ckm --version`
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Shop",
    "__version__",
    "audience",
    "check",
    "churn",
    "diff",
    "errors",
    "evaluate",
    "feedback",
    "forecast",
    "ingest",
    "kb",
    "link",
    "loyalty",
    "mcp",
    "needs",
    "network",
    "nightly",
    "open",
    "outcome",
    "privacy",
    "profile",
    "runs",
    "segment",
]

__version__ = "0.1.0"
_OF_SHOP = {"Shop": "Shop", "open": "open_shop"}


def __getattr__(name: str) -> Any:
    """Import submodules on first access, so that ``ckm --version`` imports none of them."""
    if name in _OF_SHOP:
        return getattr(import_module("ckm.shop"), _OF_SHOP[name])
    if name in __all__:
        return import_module(f"ckm.{name}")
    raise AttributeError(f"module 'ckm' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
