"""Survey responses of customers: ratings, and a sentence in their own language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.example import days
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.orders import Order
    from ckm.example.purchase_history import Life

ANSWERED = 0.14
"""Share of purchases with a survey response."""
WITH_TEXT = 0.8
SPREAD = 1.3
"""Standard deviation of a rating around the customer's satisfaction, in points of 0 to 10."""
BITTERNESS = {"late_delivery": 4.0, "open_complaint": 5.0, "rejected_invoice": 3.0, "lost_category": 2.5}
"""Points (of 0 to 10) that a trouble subtracts from a rating."""
TOPIC_OF = {
    "late_delivery": "delivery",
    "open_complaint": "service",
    "rejected_invoice": "service",
    "lost_category": "assortment",
}
GRUMBLES = {"price": 45, "quality": 40, "delivery": 15}
PROMOTER, PASSIVE = 9, 7


@dataclass(frozen=True)
class Answer:
    """A survey response; ``topic`` is the subject of its text, which no analysis reads."""

    day: int
    minute: int
    customer_id: str
    question: str
    rating: int
    lang: str
    text: str | None
    topic: str | None
    product_id: str
    number: str = ""


def ask(life: Life, seed: int) -> list[Answer]:
    """Return the survey responses of a customer, at most one per purchase."""
    dice = RandomStream(seed, "survey", life.customer.customer_id)
    return [
        _answer(life, order, asked, dice)
        for order in life.purchases
        if dice.chance(ANSWERED) and (asked := order.day + dice.whole(2, 14)) <= days.LAST
    ]


def _answer(life: Life, order: Order, day: int, dice: RandomStream) -> Answer:
    troubles = sorted({each.kind for each in life.troubles if each.first <= day <= each.last})
    mood = life.customer.traits["satisfaction"] - sum(BITTERNESS[kind] for kind in troubles)
    points = min(10, max(0, round(dice.normal(mood, SPREAD))))
    topic = _topic(troubles, points, dice)
    product = dice.pick(order.lines).product
    said: dict[str, Any] = words("feedback")[life.customer.lang]
    has_text = dice.chance(WITH_TEXT)
    question = "nps" if dice.chance(0.7) else "csat"
    return Answer(
        day=day,
        minute=dice.whole(7 * 60, 22 * 60),
        customer_id=life.customer.customer_id,
        question=question,
        rating=points if question == "nps" else 1 + round(points * 0.4),
        lang=life.customer.lang,
        text=dice.pick(said[topic]).format(product=product.name) if has_text else None,
        topic=topic if has_text else None,
        product_id=product.product_id,
    )


def _topic(troubles: list[str], points: int, dice: RandomStream) -> str:
    if points >= PROMOTER or (points >= PASSIVE and dice.chance(0.5)):
        return "praise"
    if troubles:
        return TOPIC_OF[dice.pick(troubles)]
    return "idea" if points >= PASSIVE else dice.weighted(GRUMBLES)
