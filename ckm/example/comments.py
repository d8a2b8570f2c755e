"""Simulated product reviews in six languages, with known topics and mentions of a competitor.

One topic becomes more frequent in the last 13 weeks. The reviews are in the folder ``comments/``, outside of
``incoming/``, so that ``ckm ingest`` without arguments does not load them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ckm.example import days
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.purchase_history import CustomerHistory
    from ckm.example.simulation import Simulation

FOLDER, REVIEWS, TRUTH, MAP = "comments", "reviews.jsonl", "truth.csv", "reviews.yaml"
COUNT = 1_800
GROWS_FROM = days.LAST - 90
"""Day number from which the topic ``zip`` is more frequent: the last 13 weeks."""
MISSPELT = 0.3
"""Share of mentions of the competitor in which its name is misspelt."""
SIGNED = 0.06
"""Share of reviews with the customer's name, e-mail address or telephone number."""
RATED = 0.9
"""Share of reviews with a rating in stars."""


@dataclass(frozen=True)
class Review:
    """A product review.

    Attributes
    ----------
    day, minute
        Day number and minute of the local day.
    customer_id, lang
        The customer, and the language of the text.
    text
        Text of the review.
    stars
        Rating of 1 to 5; None without one.
    product_id
        Id of the reviewed product; None if the export does not have it.
    topic, rival
        True topic, and whether the text mentions the competitor; analyses do not read them.
    """

    day: int
    minute: int
    customer_id: str
    lang: str
    text: str
    stars: int | None
    product_id: str | None
    topic: str
    rival: bool


def make_reviews(world: Simulation) -> list[Review]:
    """Return :data:`COUNT` reviews, sorted by time; each is written after a purchase of its customer."""
    stream = RandomStream(world.seed, "reviews")
    found = [_review(stream.pick(world.histories), stream) for _ in range(COUNT)]
    return sorted(found, key=lambda each: (each.day, each.minute, each.customer_id))


def write_comments(world: Simulation, folder: Path) -> list[str]:
    """Write reviews, mapping and true topics to ``comments/``; return the paths of the files relative to ``folder``."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    reviews = {f"R{number:05d}": review for number, review in enumerate(make_reviews(world), start=1)}
    lines = [json.dumps(_record(name, review), ensure_ascii=False) for name, review in reviews.items()]
    (target / REVIEWS).write_bytes("".join(f"{line}\n" for line in lines).encode())
    truth = [f"{name},{each.topic},{int(each.rival)}" for name, each in reviews.items()]
    (target / TRUTH).write_bytes("".join(f"{line}\n" for line in ("interaction_id,topic,rival", *truth)).encode())
    source = files("ckm").joinpath("data", "example", f"{FOLDER}-map.yaml")
    (target / MAP).write_bytes(source.read_bytes())
    return [f"{FOLDER}/{name}" for name in (MAP, REVIEWS, TRUTH)]


def _review(history: CustomerHistory, stream: RandomStream) -> Review:
    """Return a random review of a customer."""
    plan = words("comments")
    customer = history.customer
    day = stream.whole(min(history.orders[0].day + 2, days.LAST), days.LAST)
    topics: dict[str, Any] = plan["topics"]
    weights = {
        name: facts["weight"] * (facts.get("growth", 1) if day >= GROWS_FROM else 1) for name, facts in topics.items()
    }
    topic = stream.weighted(weights)
    products = {line.product.product_id: line.product.name for order in history.orders for line in order.lines}
    catalogue = {each["id"]: each["name"] for each in words("products")["products"]}
    product_id = stream.pick(topics[topic].get("products") or sorted(products))
    rival = plan["rival"]["name"]
    if stream.chance(MISSPELT):
        rival = stream.pick(plan["rival"]["misspelt"])
    text = stream.pick(plan["texts"][customer.lang][topic]).format(product=catalogue[product_id], rival=rival)
    if stream.chance(SIGNED):
        contact = {"name": customer.name, "email": customer.email or "", "phone": customer.phone or ""}
        text = f"{text} {stream.pick(plan['signatures']).format(**contact)}"
    return Review(
        day=day,
        minute=stream.whole(8 * 60, 22 * 60),
        customer_id=customer.customer_id,
        lang=customer.lang,
        text=text,
        stars=stream.pick(topics[topic]["ratings"]) if stream.chance(RATED) else None,
        product_id=product_id if stream.chance(0.8) else None,
        topic=topic,
        rival=topic == "rival",
    )


def _record(name: str, review: Review) -> dict[str, object]:
    """Return a review as a record of the export; ``name`` is its id."""
    return {
        "review_id": name,
        "customer": review.customer_id,
        "written_at": days.moment(review.day, review.minute, days.BERLIN).isoformat(),
        "stars": review.stars,
        "text": review.text,
        "lang": review.lang,
        "article": review.product_id,
    }
