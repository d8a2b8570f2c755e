"""Value at risk from saved and from computed warnings, and the outcome of earlier warnings, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm._churn.saved_warnings import WarningRun
from ckm.churn import ChurnOptions, warn
from ckm.config import Config, Workspace
from ckm.dataset import Dataset
from ckm.errors import NotEnoughDataError
from ckm.loyalty import LoyaltyOptions, loyalty_report
from ckm.metrics import value_at_risk as risk_module
from ckm.metrics.context import ReportContext
from ckm.metrics.customer_segments import read_segments
from ckm.metrics.margin import Margin
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.monthly_risk import monthly_risk
from ckm.metrics.value_at_risk import Risk, read_risk, value_at_risk_metrics
from ckm.models.intervals import wilson
from ckm.store import Store
from tests.metrics.known import example_context
from tests.metrics.rows import context, row, tables
from tests.metrics.shop import shop_context

ALL = Margin(None, 1.0)
pytestmark = pytest.mark.usefixtures("coarse")


def in_workspace(of: ReportContext, folder: Path) -> ReportContext:
    return replace(of, workspace=Workspace(folder, Config()))


def risk(of: ReportContext, margin: Margin = ALL) -> Risk:
    found = read_risk(of, margin, read_segments(of))
    assert isinstance(found, Risk)
    return found


def kept_run(folder: Path, as_of: date, *said: tuple[str, float, str | None, str | None, float]) -> None:
    """Save a run of warnings with a horizon of 90 days: customer, probability, level, reason, value at risk."""

    def reasons(code: str | None) -> list[dict[str, object]]:
        return [{"code": code, "contribution": 1.0}] if code else []

    frame = pl.DataFrame(
        [
            (who, p, level, None, as_of, p, 30, value, reasons(reason), reason is None)
            for who, p, level, reason, value in said
        ],
        schema={
            "customer_id": pl.String, "p_churn": pl.Float64, "level": pl.String, "suppressed": pl.String,
            "first_warned_on": pl.Date, "p_reported": pl.Float64, "days_left": pl.Int64, "value_at_risk": pl.Float64,
            "reasons": pl.List(pl.Struct({"code": pl.String, "contribution": pl.Float64})), "unanswered": pl.Boolean,
        },
        orient="row",
    )  # fmt: skip
    WarningRun(Store(folder / "store"), frame, as_of, 90, {"model": "scorecard"}).save()


@pytest.mark.slow
def test_a_saved_run_is_reported_without_those_who_have_bought_since(tmp_path: Path) -> None:
    kept_run(
        tmp_path,
        date(2025, 11, 1),
        ("anna", 0.9, "urgent", "silent", 270.0),  # bought on 10 November: no risk any more
        ("bern", 0.8, "warn", "silent", 24.0),
        ("dong", 0.6, "watch", "late_delivery", 600.0),
        ("gabi", 0.7, "warn", None, 70.0),
        ("nobody", 0.9, "urgent", "silent", 5.0),  # erased, or never here
    )
    found = risk(in_workspace(shop_context(), tmp_path))
    assert (found.estimates.source, found.estimates.as_of, found.estimates.horizon) == ("saved", date(2025, 11, 1), 90)
    assert found.estimates.model == "scorecard"
    assert "1 of 4 customers have bought since" in found.remarks[0]
    metrics, missing = value_at_risk_metrics(in_workspace(shop_context(), tmp_path), found)
    said = Metrics(metrics)
    assert said.value("value_at_risk") == 694.0  # 24 + 600 + 70
    assert [each.value for each in said.all("value_at_risk", "level")] == [0.0, 94.0, 600.0]
    assert [each.value for each in said.all("customers_at_risk", "level")] == [0, 2, 1]
    assert [(each.of("reason"), each.value) for each in said.all("reason_value", "reason")] == [
        ("late_delivery", 600.0),
        ("(none)", 70.0),
        ("silent", 24.0),
    ]
    assert said.value("unanswered_share") is None
    assert sum(each.value for each in said.all("value_at_risk_segment", "segment")) == 694.0
    assert missing == (Missing("churn", "no_knowledge_base"), Missing("churn", "no_warnings_judged"))
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "entry.yaml").write_text("id: any", encoding="utf-8")
    metrics, missing = value_at_risk_metrics(in_workspace(shop_context(), tmp_path), found)
    assert Metrics(metrics).value("unanswered_share") == pytest.approx(70 / 694)
    assert missing == (Missing("churn", "no_warnings_judged"),)


def test_the_value_at_risk_of_a_month_is_that_of_its_newest_run(tmp_path: Path) -> None:
    kept_run(tmp_path, date(2025, 9, 10), ("bern", 0.8, "warn", "silent", 99.0))
    kept_run(tmp_path, date(2025, 9, 30), ("bern", 0.8, "warn", "silent", 24.0), ("gabi", 0.1, None, None, 5.0))
    kept_run(tmp_path, date(2025, 11, 1), ("bern", 0.8, "warn", "silent", 30.5), ("dong", 0.6, "watch", None, 600.0))
    kept_run(tmp_path, date(2026, 1, 2), ("bern", 0.8, "warn", "silent", 1.0))  # after the as-of date
    found = monthly_risk(in_workspace(shop_context(), tmp_path))
    assert [(each.of("month"), each.value, each.n) for each in found] == [("2025-09", 24.0, 1), ("2025-11", 630.5, 2)]
    assert monthly_risk(shop_context()) == ()


@pytest.mark.slow
def test_a_part_of_the_customers_has_its_part_of_the_risk(tmp_path: Path) -> None:
    kept_run(tmp_path, date(2025, 11, 1), ("bern", 0.8, "warn", "silent", 24.0), ("gabi", 0.7, "warn", None, 70.0))
    of = in_workspace(shop_context(), tmp_path)
    found = risk(of)
    bern = (of.ledger.customers == "bern").to_numpy()
    for which, value in ((bern, 24.0), (~bern, 70.0)):
        assert Metrics(value_at_risk_metrics(of.only(which), found)[0]).value("value_at_risk") == value


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [date(2025, 9, 30), date(2026, 1, 2)])
def test_a_run_with_an_ended_horizon_or_of_a_later_day_is_not_used(tmp_path: Path, as_of: date) -> None:
    kept_run(tmp_path, as_of, ("bern", 0.8, "warn", "silent", 24.0))
    of = in_workspace(shop_context(), tmp_path)
    found = read_risk(of, ALL, None)
    assert not isinstance(found, Risk) or found.estimates.source != "saved"


@pytest.mark.slow
def test_a_run_without_a_saved_value_gets_it_from_the_ledger(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"customer_id": ["bern"], "p_churn": [0.8], "level": ["warn"], "suppressed": [None], "p_reported": [0.8]},
        schema_overrides={"suppressed": pl.String},
    ).with_columns(first_warned_on=date(2025, 11, 1))
    WarningRun(Store(tmp_path / "store"), frame, date(2025, 11, 1), 90, {}).save()
    found = risk(in_workspace(shop_context(), tmp_path), margin=Margin(0.5, 1.0))
    assert found.customers["value_at_risk"].to_list() == [12.0]  # 0.8 · 30 · half
    assert Missing("churn", "no_reasons") in value_at_risk_metrics(shop_context(), found)[1]


@pytest.mark.slow
def test_the_outcome_of_earlier_warnings_by_hand(tmp_path: Path) -> None:
    # as of 31 August 2025, 90 days to 29 November: anna and juri bought in them
    # customers by then: anna bern cara dong elif fred gabi hugo ines kiri = 10; left: all but anna = 9
    kept_run(
        tmp_path,
        date(2025, 8, 31),
        ("anna", 0.9, "urgent", "silent", 1.0),
        ("bern", 0.9, "urgent", "silent", 1.0),
        ("gabi", 0.9, "urgent", "silent", 1.0),
    )
    of = in_workspace(shop_context(), tmp_path)
    store = Store(tmp_path / "store")
    outcome = risk_module._outcome(of, store)
    assert outcome is not None
    assert (outcome.customers, outcome.churned, outcome.warned, outcome.warned_churned) == (10, 9, 3, 2)
    kept_run(tmp_path, date(2025, 12, 1), ("bern", 0.8, "warn", "silent", 24.0))
    found = read_risk(of, ALL, None)
    said = Metrics(value_at_risk_metrics(of, found)[0])
    warned, left = said.get("warning_precision"), said.get("warning_recall")
    assert warned is not None
    assert left is not None
    assert (warned.value, warned.n, (warned.lo, warned.hi)) == (pytest.approx(2 / 3), 3, wilson(2, 3))
    assert (left.value, left.n, (left.lo, left.hi)) == (pytest.approx(2 / 9), 9, wilson(2, 9))
    assert said.value("warning_lead_time") == 30  # gone_on is 30 days after the warning


@pytest.mark.slow
@pytest.mark.usefixtures("coarse")
def test_without_a_run_the_warnings_are_those_of_churn_warn_and_are_not_saved(tmp_path: Path) -> None:
    of = in_workspace(example_context(), tmp_path)
    found = risk(of)
    theirs = warn(Dataset(dict(of.tables), "shop"), ChurnOptions(keep=False), of.config)
    said = Metrics(value_at_risk_metrics(of, found)[0])
    for level, customers, value in theirs.summary.select("level", "customers", "value_at_risk").iter_rows():
        assert said.value("customers_at_risk", level=level) == customers
        assert said.value("value_at_risk", level=level) == pytest.approx(value, abs=0.01)
    assert sum(each.value for each in said.all("reason_value", "reason")) == pytest.approx(
        said.value("value_at_risk"), abs=0.05
    )
    assert (found.estimates.source, found.estimates.model) == ("now", theirs.forecast.model.name)
    probabilities = dict(theirs.frame.select("customer_id", "p_churn").iter_rows())
    mine = found.customers.filter(pl.col("level").is_not_null())
    assert dict(mine.select("customer_id", "p_leave").iter_rows()) == probabilities
    # one probability
    ids = theirs.forecast.history.customers.gather(theirs.forecast.today.customers)
    own = dict(zip(ids, theirs.forecast.probability, strict=True))
    assert all(p == pytest.approx(own[who]) for who, p in found.customers.select("customer_id", "p_leave").iter_rows())
    assert Store(tmp_path / "store").runs("warnings") == []
    assert found.customers["p_leave"].null_count() == 0


@pytest.mark.slow
def test_for_very_many_customers_the_report_computes_no_warnings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of = in_workspace(shop_context(), tmp_path)
    monkeypatch.setattr(risk_module, "MOST_WARNED_NOW", 3)
    assert read_risk(of, ALL, None) == Missing("churn", "many_customers")
    kept_run(tmp_path, date(2025, 12, 1), ("bern", 0.8, "warn", "silent", 24.0))
    assert Metrics(value_at_risk_metrics(of, risk(of))[0]).value("value_at_risk") == 24.0


def new_shop(days: int) -> ReportContext:
    """Return a shop of some days with customers who buy every week or two."""
    return context(tables(*(row(f"c{who:02}", day) for who in range(60) for day in range(who % 7, days, 7 + who % 8))))


@pytest.mark.slow
@pytest.mark.parametrize("days", [1, 20, 45, 60])
def test_where_churn_warn_refuses_the_report_shows_no_forecast_and_no_lifetime_value(days: int) -> None:
    of = new_shop(days)
    dataset = Dataset(dict(of.tables), "shop")
    with pytest.raises(NotEnoughDataError) as refused:
        warn(dataset, ChurnOptions(keep=False), of.config)
    report = loyalty_report(dataset, LoyaltyOptions(), of.config).report
    for name in ("value_at_risk", "customers_at_risk", "clv", "clv_mean", "reason_value"):
        assert not [each for each in report.metrics if each.name == name], name
    assert {Missing("churn", "no_forecast"), Missing("growth_potential", "no_forecast")} <= set(report.missing)
    assert any(str(refused.value) in each for each in report.remarks)


@pytest.mark.slow
def test_a_shop_with_one_customer_has_a_report() -> None:
    of = context(tables(row("ann", 3)))
    found = read_risk(of, ALL, read_segments(of))
    assert found == Missing("churn", "no_forecast")
    with pytest.raises(NotEnoughDataError) as refused:
        warn(Dataset(dict(of.tables), "shop"), ChurnOptions(keep=False), of.config)
    assert str(refused.value) in found.detail
    assert value_at_risk_metrics(of, found) == ((), (found, Missing("churn", "no_warnings_judged")))
