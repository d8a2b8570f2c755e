"""Text columns of the audience lists for mail tools: why a customer is in the list, and a product in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm._loyalty.localized import NOTHING
from ckm._loyalty.words import PLACE
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm._loyalty.numbers import Numbers
    from ckm._loyalty.words import Words

REASON, PRODUCT = "reason_text", "product_text"
TEXT_COLUMNS = {
    REASON: "Why the customer is in the list: a sentence in the language of the report",
    PRODUCT: "The likely product or category of the second order, else the category or product bought most, in words; "
    "empty where it is not known, or a code",
}
"""Last columns of every list, with their meaning."""
NAMES_OF_PRODUCTS = {
    "second_order_due": ("likely_product", "likely_category"),
    "": ("category_main", "top_product"),
}
"""Columns with a product or category by list; ``""`` is for all other lists. The first known one is used."""
PLACES = {
    "rule": "loyalty_rule",
    "reason": "reason",
    "current": "current_value",
    "potential": "potential_value",
    "gap": "gap_last_days",
    "first": "first_purchase",
    "last": "last_purchase",
    "until": "second_order_due_until",
}
"""Column of the table of customers for each placeholder of the sentences."""
_INVISIBLE = dict.fromkeys((0x200E, 0x200F, 0x2060, *range(0x2066, 0x206A)))
"""Direction marks and joiners, which mail tools do not support."""
_NO_WORDS = re.compile(r"[<>{}|]|%%|&\w+;|^[\W\d_]*$")
"""Pattern of markup, of placeholders of mail tools, and of texts without a letter."""
_CODE = re.compile(r"[!-~]*\d[!-~]*|(?=\S*[-_./])[A-Z\-_./]+")
"""Pattern of an article number: one token with a digit, or in capitals with a separator."""


@dataclass(frozen=True)
class ListTexts:
    """Writer of the text columns in a language.

    Attributes
    ----------
    words, numbers
        Texts and number formats of the language, with calendar and currency of the report.
    """

    words: Words
    numbers: Numbers

    def added_to(self, name: str, listed: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
        """Return a list with :data:`TEXT_COLUMNS`.

        Parameters
        ----------
        name
            Name of the list.
        listed
            Customers of the list.
        facts
            Facts of these customers by ``customer_id``: the columns of the table of customers, and ``top_product``.
        """
        rows = listed.select("customer_id").join(facts, on="customer_id", how="left", maintain_order="left")
        products = NAMES_OF_PRODUCTS.get(name, NAMES_OF_PRODUCTS[""])
        reasons, named = [], []
        for row in rows.iter_rows(named=True):
            reasons.append(self.reason(name, row))
            named.append(next((text for each in products if (text := in_words(row.get(each)))), None))
        return listed.with_columns(
            pl.Series(REASON, reasons, dtype=pl.String), pl.Series(PRODUCT, named, dtype=pl.String)
        )

    def reason(self, name: str, row: Mapping[str, Any]) -> str:
        """Return why a customer is in a list, as a sentence."""
        key = f"list.{name}"
        places = PLACE.findall(str(self.words.texts[key]))
        return plain(self.words.say(key, **{place: self._value(place, row) or NOTHING for place in places}))

    def _value(self, place: str, row: Mapping[str, Any]) -> str | None:
        """Return the text of a placeholder; None where its value is not known."""
        words, numbers = self.words, self.numbers
        value = row[PLACES[place]]
        if place == "reason":
            return words.called("values", f"reason.{value}") or words.called("values", f"level.{row['risk_level']}")
        if value is None:
            return None
        match place:
            case "rule":
                return words.called("values", f"rule.{value}")
            case "current" | "potential":
                return numbers.money(value)
            case "gap":
                return words.say("unit.days", value, days=numbers.count(value))
            case _:
                return numbers.day(value)


def in_words(name: str | None) -> str | None:
    """Return the name of a product or category as words; None for an article number, markup, or a text without letters.

    >>> in_words("green_tea"), in_words("TEA-0042"), in_words("Tea, 100 g")
    ('green tea', None, 'Tea, 100 g')
    """
    if not name or _NO_WORDS.search(name) or _CODE.fullmatch(name.strip()):
        return None
    return one_line(plain(name.replace("_", " ")))


def plain(text: str) -> str:
    """Return a text without direction marks and joiners, with plain single spaces."""
    return " ".join(text.translate(_INVISIBLE).split())
