"""Share of wallet by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from ckm.metrics.metric import Missing
from ckm.metrics.wallet_share import wallet_metrics
from tests.metrics.shop import shop_context, shop_tables

NONE = ((), (Missing("growth_potential", "no_wallet_survey"),))
ANSWERS = [
    ("anna", "2025-03-01", "wallet", "9999"),  # superseded
    ("anna", "2025-09-01", "Wallet", "900"),  # 270 here
    ("dong", "2025-02-01", "wallet", "4000"),  # 1000 here
    ("fred", "2025-12-31", "wallet", "10"),  # 25 here: the wallet holds 25
    ("cara", "2025-05-05", "wallet", "700"),  # 0 here
    ("hugo", "2024-11-30", "wallet", "1"),  # more than a year ago
    ("juri", "2026-01-02", "wallet", "1"),  # after the day
    ("gabi", "2025-06-01", "wallet", "a lot"),
    ("gabi", "2025-06-02", "price", "5"),
    ("elif", "2025-06-02", "wallet", "-5"),
]


def asked(answers: list[tuple[str, str, str, str]] = ANSWERS) -> dict[str, pl.LazyFrame]:
    rows = [(who, datetime.fromisoformat(day).replace(tzinfo=UTC), *rest) for who, day, *rest in answers]
    schema = {
        "customer_id": pl.String,
        "at": pl.Datetime("us", "UTC"),
        "topic": pl.String,
        "stated_spend": pl.String,
    }
    return {**shop_tables(), "interactions": pl.LazyFrame(rows, schema=schema, orient="row")}


def test_the_share_of_wallet_of_the_small_shop_by_hand() -> None:
    (share,), missing = wallet_metrics(shop_context(asked()))
    # (270 + 1000 + 25 + 0) / (900 + 4000 + 25 + 700)
    assert share.value == pytest.approx(1295 / 5625)
    assert share.n == 4
    assert missing == ()
    ratio = 1295 / 5625
    misses = [270 - 900 * ratio, 1000 - 4000 * ratio, 25 - 25 * ratio, -700 * ratio]
    reach = 1.959964 * (4 / 3 * sum(each**2 for each in misses)) ** 0.5 / 5625
    assert (share.lo, share.hi) == (pytest.approx(ratio - reach), pytest.approx(ratio + reach))
    assert share.previous == 1.0  # hugo said 1 in 2024, and bought for 1000


def test_one_response_has_no_interval() -> None:
    (share,), _ = wallet_metrics(shop_context(asked(ANSWERS[:2])))
    assert (share.value, share.lo, share.hi) == (pytest.approx(0.3), None, None)


def test_without_a_survey_there_is_no_share_of_wallet() -> None:
    assert wallet_metrics(shop_context()) == NONE  # interactions without topic and stated_spend
    assert wallet_metrics(shop_context(asked([]))) == NONE
    assert wallet_metrics(shop_context({"transactions": shop_tables()["transactions"]})) == NONE
