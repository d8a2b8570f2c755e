"""Workspace with the example shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.example.generator import make_shop
from ckm.workspace import lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.generator import ExampleShop

CURRENCY = "EUR"
TIME_ZONE = "Europe/Berlin"
MARK = "truth/truth.json"
"""Marker file of a workspace that was generated here."""


def lay_out_example(folder: Path) -> ExampleShop:
    """Create a workspace with the example shop; in an existing one, write the shop's files again.

    Other entries in ``kb/`` are kept.

    Raises
    ------
    UsageError
        The folder contains other files.
    """
    if not (folder / MARK).exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a folder that is not there yet")
        lay_out(folder, currency=CURRENCY, time_zone=TIME_ZONE)
    return make_shop(folder)
