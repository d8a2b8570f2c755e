from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from ckm.example import days, seasons
from ckm.example.products import on_sale
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.simulation import Simulation

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

LANGUAGES = {"en", "de", "th", "zh-Hans", "zh-Hant", "fa"}


def test_about_3000_customers_buy_over_30_months(world: Simulation) -> None:
    assert 2_950 <= len(world.histories) <= 3_050
    months = {f"{days.as_date(order.day):%Y-%m}" for order in world.orders}
    assert len(months) == 30


def test_40_to_50_per_cent_buy_once(world: Simulation, other_world: Simulation) -> None:
    for each in (world, other_world):
        orders = Counter(order.customer_id for order in each.orders if order.customer_id and order.kind == "sale")
        assert 0.40 <= sum(n == 1 for n in orders.values()) / len(orders) <= 0.50


def test_another_seed_gives_other_orders(world: Simulation, other_world: Simulation) -> None:
    assert [order.net for order in world.orders[:100]] != [order.net for order in other_world.orders[:100]]


def test_no_customer_buys_after_churn(world: Simulation) -> None:
    left = {history.customer.customer_id: history.churn.day for history in world.histories if history.churn}
    assert len(left) > 1_000
    assert all(
        order.day <= left[order.customer_id]
        for order in world.orders
        if order.kind == "sale" and order.customer_id in left
    )


def test_customers_speak_all_six_languages(world: Simulation) -> None:
    assert {customer.lang for customer in world.customers} == LANGUAGES
    assert {response.lang for response in world.responses if response.text} == LANGUAGES


def test_customer_ids_have_leading_zeros(world: Simulation) -> None:
    assert all(len(each.customer_id) == 7 and each.customer_id.startswith("00") for each in world.customers)
    assert len({each.customer_id for each in world.customers}) == len(world.customers)


def test_returns_have_negative_amounts_and_cancelled_orders_none(world: Simulation) -> None:
    kinds = {kind: [line for o in world.orders if o.kind == kind for line in o.lines] for kind in ("return", "cancel")}
    assert len(kinds["return"]) > 300
    assert len(kinds["cancel"]) > 100
    assert all(line.net < 0 and line.quantity < 0 for line in kinds["return"])
    assert all(line.net == 0 and line.quantity > 0 for line in kinds["cancel"])


def test_a_quarter_of_the_till_sales_has_no_customer(world: Simulation) -> None:
    sales = [order.customer_id for order in world.orders if order.channel == "till" and order.kind == "sale"]
    assert sales.count(None) / len(sales) == pytest.approx(0.25, abs=0.001)


def test_a_discontinued_category_is_not_sold_after_its_last_day(world: Simulation) -> None:
    sold = [(line.product.category, o.day) for o in world.orders if o.kind == "sale" for line in o.lines]
    assert all(on_sale(category, day) for category, day in sold)
    assert any(category == "ceramics" for category, _ in sold)


def test_no_channel_sells_on_a_closing_day(world: Simulation) -> None:
    assert all(seasons.is_open(order.channel, order.day) for order in world.orders)
    assert len(seasons.outage("web")) == 10


def test_customers_buy_more_gifts_before_their_own_festival(world: Simulation) -> None:
    langs = {each.customer_id: each.lang for each in world.customers if each.group == "festive"}
    share = fmean(
        seasons.in_festival(order.day, langs[order.customer_id]) for order in world.orders if order.customer_id in langs
    )
    calendar = fmean(seasons.in_festival(day, lang) for day in range(days.LAST + 1) for lang in LANGUAGES)
    assert share > 4 * calendar


def test_groups_differ_in_purchase_interval_basket_size_and_discount(world: Simulation) -> None:
    gaps: defaultdict[str, list[int]] = defaultdict(list)
    baskets: defaultdict[str, list[int]] = defaultdict(list)
    reduced: defaultdict[str, list[bool]] = defaultdict(list)
    for history in world.histories:
        bought, group = history.purchases, history.customer.group
        gaps[group] += [b.day - a.day for a, b in itertools.pairwise(bought)]
        baskets[group] += [order.net for order in bought]
        reduced[group] += [any(line.discount for line in order.lines) for order in bought]
    assert fmean(gaps["festive"]) > 2 * fmean(gaps["regular"])
    assert fmean(baskets["business"]) > 5 * fmean(baskets["regular"])
    assert fmean(reduced["bargain"]) > 4 * fmean(reduced["regular"])


def test_every_order_is_on_the_same_day_in_utc_and_in_berlin(world: Simulation) -> None:
    zones = {"web": days.BERLIN, "till": days.BERLIN, "branch": days.BANGKOK}
    for order in world.orders[::7]:
        at = days.in_utc(order.day, order.minute, zones[order.channel])
        assert at.date() == at.astimezone(days.BERLIN).date() == days.as_date(order.day)


def test_some_order_lines_have_a_cost_and_some_have_none(world: Simulation) -> None:
    known = fmean(line.cost is not None for order in world.orders for line in order.lines)
    assert 0.6 < known < 0.9


def test_every_product_has_a_name_and_a_price_and_no_unknown_key() -> None:
    data = words("products")
    assert {key for product in data["products"] for key in product} == {"id", "name", "category", "price", "cost"}
    assert {product["category"] for product in data["products"]} == set(data["categories"])
    assert len({product["id"] for product in data["products"]}) == len(data["products"])


def test_every_language_has_texts_for_every_topic() -> None:
    said = words("feedback")
    assert set(said) == LANGUAGES == set(words("places")) == set(words("seasons")["keeps"])
    assert len({frozenset(topics) for topics in said.values()}) == 1
    assert len({tuple(len(sentences) for sentences in topics.values()) for topics in said.values()}) == 1
