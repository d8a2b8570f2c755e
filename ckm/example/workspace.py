"""Workspace with the example shop, as ``ckm init --demo`` creates it."""

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
"""File by which a workspace with the example shop is recognised."""


def lay_out_example(folder: Path) -> ExampleShop:
    """Create a workspace with the example shop, or write the files of the shop again to an existing one.

    Settings and other files of an existing workspace are kept.

    Parameters
    ----------
    folder
        Folder of the workspace: missing, empty, or a workspace with the example shop.

    Returns
    -------
    ExampleShop
        Written files and true values.

    Raises
    ------
    UsageError
        The folder has files and is not a workspace with the example shop.
    """
    if not (folder / MARK).exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a folder that is not there yet")
        lay_out(folder, currency=CURRENCY, time_zone=TIME_ZONE)
        _name_products(folder / CONFIG_NAME)
    return make_shop(folder)


def _name_products(config: Path) -> None:
    """Add the names of the products and of the competitor to the settings, by which comments are searched."""
    rival = words("comments")["rival"]["name"]
    products = [f"    {each['id']}: {each['name']}" for each in words("products")["products"]]
    text = config.read_text(encoding="utf-8")
    text = text.replace("  competitors: []", f"  competitors: [{rival}]")
    text = text.replace("  products: {}", "\n".join(["  products:", *products]))
    config.write_text(text, encoding="utf-8", newline="\n")
