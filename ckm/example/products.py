"""Products and categories of the example shop."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from ckm.example import days
from ckm.example.words import words


class Product(NamedTuple):
    """A product; ``price`` and ``cost`` (purchase price) are in cents, and ``cost`` is None if unknown."""

    product_id: str
    name: str
    category: str
    price: int
    cost: int | None


@cache
def products_by_category() -> dict[str, tuple[Product, ...]]:
    """Return the products by category, in the order of the data file."""
    products: dict[str, list[Product]] = {category: [] for category in words("products")["categories"]}
    for row in words("products")["products"]:
        cost = None if row["cost"] is None else round(row["cost"] * 100)
        products[row["category"]].append(
            Product(row["id"], row["name"], row["category"], round(row["price"] * 100), cost)
        )
    return {category: tuple(found) for category, found in products.items()}


@cache
def category_name(category: str, lang: str) -> str:
    """Return the name of a category in a language (``de`` or ``th``), as a channel exports it."""
    return str(words("products")["categories"][category][lang])


@cache
def lost_categories() -> dict[str, int]:
    """Return the day number of the last sale of each discontinued category, by category."""
    return {
        category: days.number(names["gone"])
        for category, names in words("products")["categories"].items()
        if "gone" in names
    }


def on_sale(category: str, day: int) -> bool:
    """Return whether a category is sold on a day: it is not yet discontinued."""
    return day <= lost_categories().get(category, days.LAST)
