"""Claim: the first reason of a customer who left names the true cause in more than 60 % of what the data show.

On the example shop, whose generator knows who left when and why. At the end of each month from the first on which a
model can be learned, a scorecard is learned from the months whose outcome was known by then, and those who left in the
month are explained. Nothing of the truth is used but to count.

- *churned*: left in such a month because of a trouble (not by drift).
- *on record*: the trouble is in the data at the end of the month: a late delivery, an invoice event or an open
  complaint within the window of the feature, or purchases of a category that the shop has given up.
- *known kind*: and customers with such a trouble are among those that the model learned from; of a kind of trouble that
  never happened before, no model can know what follows.
- *named*: the first reason says this trouble.
- *at random*: what naming one of the four troubles on record at random would reach, without any model.

False alarms: how often the first reason names any cause for those who drifted away in the month, and for those who are
still there: all of them, and those among the tenth with the highest scores.

Usage: ``python bench/churn_reasons.py [SEED ...]`` (default: 7 8 9; half a minute each).
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from measure import CKM, machine, run

from ckm._churn.customer_facts import customer_facts, returning_customers
from ckm._churn.customer_snapshot import CustomerSnapshot, churned_within, snapshot
from ckm._churn.reasons import explain
from ckm._churn.typical_customer import typical_retained_customer
from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.history import History, read_history
from ckm.dataset import open_dataset
from ckm.errors import NotEnoughDataError
from ckm.example import make_shop
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.training import train
from ckm.models.churn.training_set import TrainingSet, TrainingSnapshot
from ckm.models.sampling import id_hashes
from ckm.workspace import lay_out

HORIZON = 90
ON_RECORD = {
    "late_delivery": "late_deliveries_90d",
    "open_complaint": "open_complaints",
    "rejected_invoice": "rejected_invoices_90d",
    "lost_category": "category_lost",
}
"""Feature above zero, by the cause of the truth; a code of the same name says it."""


UNTRUE = ("recent_returns", "many_returns", "complaint", "low_rating")
"""Codes of causes for which nobody leaves in this shop."""
TABLE = {
    "tbl_hide_dataframe_shape": True,
    "tbl_hide_column_data_types": True,
    "tbl_cols": -1,
    "tbl_width_chars": 160,
    "fmt_str_lengths": 40,
    "float_precision": 3,
}


def make_workspace(folder: Path, seed: int) -> None:
    lay_out(folder, currency="EUR", time_zone="Europe/Berlin")
    make_shop(folder, seed=seed)
    files = sorted((folder / "incoming").iterdir())
    run([*CKM, "ingest", "-q", "--workspace", str(folder), *map(str, files)])


def month_ends(first: int, last: int) -> list[int]:
    days = [calendar_day(day) for day in range(first, last + 1)]
    return [day_number(day) for day in days if (day + timedelta(days=1)).day == 1]


def explained(history: History) -> pl.DataFrame:
    """Every customer at every month's end: first code, whether it names a cause, score, what is on record."""
    ends = month_ends(history.first_day, history.last_day)
    keys = id_hashes(history.customers.to_list())
    purchase_models = PurchaseModels()
    snapshots = {day: snapshot(history, day, HORIZON) for day in ends}
    windows = {
        day: TrainingSnapshot(day, each.features, churned_within(history, each, HORIZON), keys[each.customers])
        for day, each in snapshots.items()
        if day + HORIZON <= history.last_day
    }
    frames = []
    for day, today in snapshots.items():
        known = tuple(window for earlier, window in windows.items() if earlier + HORIZON <= day)
        past = TrainingSet(known, day, today.features, HORIZON, purchase_models=purchase_models)
        try:
            frames.append(_at(history, today, past))
        except NotEnoughDataError:
            continue
    return pl.concat(frames)


def _at(history: History, today: CustomerSnapshot, past: TrainingSet) -> pl.DataFrame:
    model = train(past, "scorecard")
    usual = typical_retained_customer(past)
    reasons = explain(
        model,
        today.customers,
        today.features,
        usual,
        facts=customer_facts(history, today),
        returning=returning_customers(history, today.day, HORIZON),
        currency=history.ledger.currency,
    )
    first = reasons.frame.filter(pl.col("rank") == 0)
    scores = reasons.attribution.scores
    never = np.zeros(len(today), np.bool_)
    record = {cause: today.features[name] > 0 if name in today.features else never for cause, name in ON_RECORD.items()}
    known = {cause: bool((usual.retained.get(name, never) > 0).any()) for cause, name in ON_RECORD.items()}
    return pl.DataFrame(
        {
            "customer_id": history.customers.gather(today.customers),
            "code": first["code"],
            "cause": first["cause"].fill_null(value=False),
            "top": scores >= np.quantile(scores, 0.9),
            **{f"record_{cause}": values for cause, values in record.items()},
        }
    ).with_columns(
        pl.lit(calendar_day(today.day)).alias("day"),
        *(pl.lit(value).alias(f"known_{cause}") for cause, value in known.items()),
    )


def measured(folder: Path) -> pl.DataFrame:
    history = read_history(open_dataset(folder).tables, time_zone="Europe/Berlin")
    truth = pl.read_csv(folder / "truth" / "customers.csv", schema_overrides={"customer_id": pl.String})
    truth = truth.select("customer_id", "reason", pl.col("left_on").str.to_date())
    return explained(history).join(truth, on="customer_id", how="left")


def churned(told: pl.DataFrame) -> pl.DataFrame:
    """Those who left in the month that ends."""
    return told.filter(pl.col("left_on").is_between(pl.col("day").dt.month_start(), pl.col("day")))


def by_cause(told: pl.DataFrame) -> pl.DataFrame:
    of_cause = [
        churned(told)
        .filter(pl.col("reason") == cause)
        .select(
            cause=pl.lit(cause),
            record=pl.col(f"record_{cause}"),
            known=pl.col(f"record_{cause}") & pl.col(f"known_{cause}"),
            at_random=1 / pl.sum_horizontal(f"record_{each}" for each in ON_RECORD),
            named=pl.col("code").eq_missing(cause),
            other=pl.col("cause") & pl.col("code").ne_missing(cause),
        )
        for cause in ON_RECORD
    ]
    rows = pl.concat(of_cause)
    rows = pl.concat([rows, rows.with_columns(cause=pl.lit("all"))])
    return rows.group_by("cause", maintain_order=True).agg(
        churned=pl.len(),
        on_record=pl.col("record").sum(),
        known_kind=pl.col("known").sum(),
        named_of_leavers=pl.col("named").mean(),
        named_of_record=pl.col("named").filter("record").mean(),
        named_of_known=pl.col("named").filter("known").mean(),
        at_random_of_record=pl.col("at_random").filter("record").mean(),
        other_cause_of_record=pl.col("other").filter("record").mean(),
    )


def false_alarms(told: pl.DataFrame) -> pl.DataFrame:
    there = pl.col("left_on").is_null() | (pl.col("left_on") > pl.col("day"))
    parts = {
        "left by drift or fading": churned(told).filter(pl.col("reason").is_in(["drift", "faded"])),
        "still there": told.filter(there),
        "still there, top decile of scores": told.filter(there & pl.col("top")),
    }
    anything = pl.any_horizontal(f"record_{cause}" for cause in ON_RECORD)
    return pl.concat(
        rows.select(
            who=pl.lit(who),
            customers=pl.len(),
            names_cause=pl.col("cause").mean(),
            with_trouble=anything.mean(),
            names_cause_of_these=pl.col("cause").filter(anything).mean(),
            untrue_cause=pl.col("code").is_in(UNTRUE).fill_null(value=False).mean(),
        )
        for who, rows in parts.items()
    )


def main(seeds: list[int]) -> None:
    print(machine(), date.today(), sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        for seed in seeds:
            folder = Path(temporary, str(seed))
            make_workspace(folder, seed)
            begun = time.perf_counter()
            told = measured(folder)
            print(f"\nseed {seed}, {told['day'].n_unique()} months, {time.perf_counter() - begun:.0f} s")
            with pl.Config(**TABLE):
                print(by_cause(told), false_alarms(told), sep="\n")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [7, 8, 9])
