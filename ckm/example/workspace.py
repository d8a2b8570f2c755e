"""Workspace with the example shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.config import CONFIG_NAME
from ckm.errors import UsageError
from ckm.example.generator import make_shop
from ckm.example.words import words
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
        _name_products(folder / CONFIG_NAME)
    return make_shop(folder)


def _name_products(config: Path) -> None:
    """Write the names of the products and of the competitor into the settings: comments are searched for them."""
    rival = words("comments")["rival"]["name"]
    products = [f"    {each['id']}: {each['name']}" for each in words("products")["products"]]
    text = config.read_text(encoding="utf-8")
    text = text.replace("  competitors: []", f"  competitors: [{rival}]")
    text = text.replace("  products: {}", "\n".join(["  products:", *products]))
    config.write_text(text, encoding="utf-8", newline="\n")
