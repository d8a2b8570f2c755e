"""A model card of a small shop, whose figures are made up."""

from __future__ import annotations

import math
from datetime import date

from ckm._churn.feature_catalogue import load_catalogue
from ckm._churn.model_card import RECENCY, CardData, CardDecile, Gain, ModelCard
from ckm.customers.calendar import day_number
from ckm.models.model_score import ModelScore

CUT_OFFS = (date(1997, 12, 31), date(1998, 1, 31), date(1998, 2, 28), date(1998, 3, 31))
AUC = {"rule": 0.812, "btyd": 0.8105, "scorecard": 0.822, "boosted": 0.8195, RECENCY: 0.810}


def score(
    model: str,
    cut_off: date | None,
    n: int = 100,
    base_rate: float = 0.5,
    roc_auc: float = 0.8,
    average_precision: float = 0.7,
    lift_top_decile: float = 1.5,
    log_loss: float = math.nan,
    brier: float = math.nan,
    calibration_error: float = math.nan,
) -> ModelScore:
    """Return scores; those of the probabilities are unknown unless given."""
    day = None if cut_off is None else day_number(cut_off)
    return ModelScore(
        model, day, n, base_rate, roc_auc, average_precision, log_loss, brier, calibration_error, lift_top_decile
    )


def example_card(**changes: object) -> ModelCard:
    """Return a card whose chosen model, scorecard, has an error of at most two points in every decile."""
    steps = tuple(step / 20 for step in range(21))
    fields: dict[str, object] = {
        "as_of": date(1998, 6, 30),
        "question": "The probability that a customer buys nothing within 90 days after a cut-off.",
        "horizon_days": 90,
        "horizon_reasoning": "90 days: 80 % of the purchase intervals are at most 97 days",
        "chosen": "scorecard",
        "chosen_because": "scorecard has the lowest log loss, 0.3890; the simpler rule is worse by more than one "
        "standard error.",
        "data": CardData(
            customers=1_100,
            rows_used=69_659,
            left_out=(("no customer", 12), ("after the as-of date", 3)),
            first_day=date(1997, 1, 1),
            last_day=date(1998, 6, 30),
        ),
        "scores": tuple(
            score(
                model,
                cut_off,
                n=1_050 + number,
                base_rate=0.54 + 0.005 * number,
                roc_auc=auc + 0.004 * (number - 1.5),
                average_precision=auc - 0.03,
                lift_top_decile=1.64,
                log_loss=math.nan if model == RECENCY else 0.8 - auc / 2,
                brier=math.nan if model == RECENCY else 0.38 - auc / 4,
                calibration_error=math.nan if model == RECENCY else 0.0085,
            )
            for number, cut_off in enumerate(CUT_OFFS)
            for model, auc in AUC.items()
        ),
        "reliability": tuple(
            CardDecile(420, said, said + (0.011 if number % 2 else -0.006))
            for number, said in enumerate((0.07, 0.18, 0.3, 0.41, 0.52, 0.63, 0.73, 0.82, 0.9, 0.96))
        ),
        "gains": (
            Gain("scorecard", steps, tuple(min(1.0, 1.0 - (1.0 - step) ** 1.7) for step in steps)),
            Gain(RECENCY, steps, tuple(min(1.0, 1.0 - (1.0 - step) ** 1.58) for step in steps)),
        ),
        "features": tuple(
            each for each in load_catalogue().features if each.name in {"days_silent", "purchase_days", "spend_12mo"}
        ),
        "missing": ("open_complaints", "rating_last"),
        "assumptions": (
            ("Saved share", "20 % of the churned customers who are contacted"),
            ("Contact cost", "1.00 EUR"),
        ),
        "versions": (("ckm", "0.1.0"), ("features", "1")),
    }
    return ModelCard(**{**fields, **changes})  # type: ignore[arg-type]
