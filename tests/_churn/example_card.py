"""A model card of a small shop, whose figures are made up."""

from __future__ import annotations

from datetime import date

from ckm._churn.card_figures import RECENCY, CardData, CardDecile, CardFeature, Gain, ModelCard, Scores

CUT_OFFS = (date(1997, 12, 31), date(1998, 1, 31), date(1998, 2, 28), date(1998, 3, 31))
AUC = {"rule": 0.812, "btyd": 0.8105, "scorecard": 0.822, "boosted": 0.8195, RECENCY: 0.810}


def example_card(**changes: object) -> ModelCard:
    """Return a card of a scorecard that is right within two points everywhere."""
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
            Scores(
                model=model,
                cut_off=cut_off,
                n=1_050 + number,
                base_rate=0.54 + 0.005 * number,
                roc_auc=auc + 0.004 * (number - 1.5),
                average_precision=auc - 0.03,
                lift_top_decile=1.64,
                log_loss=None if model == RECENCY else 0.8 - auc / 2,
                brier=None if model == RECENCY else 0.38 - auc / 4,
                calibration_error=None if model == RECENCY else 0.0085,
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
        "features": (
            CardFeature("days_silent", "silence", "Days since the last purchase; a return is no purchase."),
            CardFeature("purchase_days", "rhythm", "Days with a purchase so far."),
            CardFeature("spend_12mo", "spend", "Net of returns in the last 12 months."),
        ),
        "missing": ("open_complaints", "rating_last"),
        "assumptions": (
            ("Saved share", "20 % of the churned customers who are contacted"),
            ("Contact cost", "1.00 EUR"),
        ),
        "versions": (("ckm", "0.1.0"), ("features", "1")),
    }
    return ModelCard(**{**fields, **changes})  # type: ignore[arg-type]
