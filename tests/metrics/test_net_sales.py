"""What net sales include is declared for every platform of transactions, and the page says it."""

from __future__ import annotations

import pytest

from ckm._loyalty.changed import revenue_numbers
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.words import load_words
from ckm.io.mapping.platforms import platforms
from ckm.metrics.net_sales import AS_THE_SOURCE, load_net_sales, net_sales_of
from ckm.names import LANGUAGES
from ckm.render.document import Text
from tests._loyalty.example_loyalty import example_report


def lines(*sources: str, lang: str = "en") -> list[str]:
    """Return the lines of the page under the revenue."""
    localized = LocalizedReport(example_report(net_sales=net_sales_of(sources)), load_words(lang))
    return [block.text for block in revenue_numbers(localized) if isinstance(block, Text)]


def test_every_platform_of_transactions_declares_what_its_amounts_include() -> None:
    of_orders = {name for name, each in platforms().items() if each.mapping.table == "transactions"}
    assert of_orders - load_net_sales().keys() == {"salesforce-opportunities"}  # amounts as a person entered them
    assert load_net_sales().keys() <= of_orders


def test_the_page_says_what_net_sales_of_a_recognised_platform_include() -> None:
    assert lines("shopify-orders") == [
        "Revenue is net sales: gross sales less discounts and returns. Shopify: taxes as the prices include them, "
        "without shipping, gift cards count when they are sold."
    ]


def test_the_page_says_that_amounts_of_another_source_are_as_it_has_them() -> None:
    assert lines("web-shop", "till") == lines() == [load_words("en").say("net_sales.source")]


def test_platforms_with_equal_amounts_are_one_line_and_other_sources_come_last() -> None:
    found = net_sales_of(["till", "square-items", "etsy-order-items", "etsy-orders"])
    assert [each.title for each in found] == ["Etsy", "Square", ""]
    assert found[-1] == AS_THE_SOURCE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_combination_has_words_in_every_language(lang: str) -> None:
    assert all(each for each in lines(*load_net_sales(), "till", lang=lang))
