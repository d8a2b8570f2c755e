"""A workspace with the example shop in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.example.shop import make_shop
from ckm.workspace import lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.shop import ExampleShop

CURRENCY = "EUR"
TIME_ZONE = "Europe/Berlin"
MARK = "truth/truth.json"
"""A workspace that has it was made here."""


def lay_out_example(folder: Path) -> ExampleShop:
    """Make a workspace and the example shop in it; where that was done before, write the shop's files again.

    Entries that a team has added to ``kb/`` stay as they are.

    Raises
    ------
    UsageError
        The folder holds something else.
    """
    if not (folder / MARK).exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a folder that is not there yet")
        lay_out(folder, currency=CURRENCY, time_zone=TIME_ZONE)
    return make_shop(folder)
