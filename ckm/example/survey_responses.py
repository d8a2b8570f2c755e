"""Simulated survey responses after purchases: a rating, and in most cases a comment in the customer's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.example import days
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.orders import Order
    from ckm.example.purchase_history import CustomerHistory

ANSWERED = 0.14
"""Share of purchases after which the customer responds to the survey."""
WITH_TEXT = 0.8
SPREAD = 1.3
"""Standard deviation of a customer's ratings, on the scale from 0 to 10."""
RATING_PENALTY = {"late_delivery": 4.0, "open_complaint": 5.0, "rejected_invoice": 3.0, "lost_category": 2.5}
"""Points that a trouble subtracts from a rating, on the scale from 0 to 10."""
TOPIC_OF = {
    "late_delivery": "delivery",
    "open_complaint": "service",
    "rejected_invoice": "service",
    "lost_category": "assortment",
}
DETRACTOR_TOPICS = {"price": 45, "quality": 40, "delivery": 15}
PROMOTER, PASSIVE = 9, 7


@dataclass(frozen=True)
class SurveyResponse:
    """A survey response.

    ``day`` is the day number, ``minute`` the minute of the local day, ``number`` the id of the response. ``question``
    is ``nps`` (``rating`` from 0 to 10) or ``csat`` (1 to 5). ``text`` and its true ``topic``, which analyses do not
    read, are None without a comment.
    """

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


def survey_responses_of(history: CustomerHistory, seed: int) -> list[SurveyResponse]:
    """Simulate the survey responses of a customer: at most one per purchase, 2 to 14 days after it."""
    stream = RandomStream(seed, "survey", history.customer.customer_id)
    return [
        _response(history, order, asked, stream)
        for order in history.purchases
        if stream.chance(ANSWERED) and (asked := order.day + stream.whole(2, 14)) <= days.LAST
    ]


def _response(history: CustomerHistory, order: Order, day: int, stream: RandomStream) -> SurveyResponse:
    """Return the response to the survey on an order; troubles on this day lower the rating."""
    troubles = sorted({each.kind for each in history.troubles if each.first <= day <= each.last})
    expected = history.customer.traits["satisfaction"] - sum(RATING_PENALTY[kind] for kind in troubles)
    points = min(10, max(0, round(stream.normal(expected, SPREAD))))
    topic = _topic(troubles, points, stream)
    product = stream.pick(order.lines).product
    said: dict[str, Any] = words("feedback")[history.customer.lang]
    has_text = stream.chance(WITH_TEXT)
    question = "nps" if stream.chance(0.7) else "csat"
    return SurveyResponse(
        day=day,
        minute=stream.whole(7 * 60, 22 * 60),
        customer_id=history.customer.customer_id,
        question=question,
        rating=points if question == "nps" else 1 + round(points * 0.4),
        lang=history.customer.lang,
        text=stream.pick(said[topic]).format(product=product.name) if has_text else None,
        topic=topic if has_text else None,
        product_id=product.product_id,
    )


def _topic(troubles: list[str], points: int, stream: RandomStream) -> str:
    """Return the topic of a comment by the rating (0 to 10 points) and the troubles of the customer."""
    if points >= PROMOTER or (points >= PASSIVE and stream.chance(0.5)):
        return "praise"
    if troubles:
        return TOPIC_OF[stream.pick(troubles)]
    return "idea" if points >= PASSIVE else stream.weighted(DETRACTOR_TOPICS)
