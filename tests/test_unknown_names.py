"""A name that the library does not know is a :class:`ckm.errors.UnknownNameError` with the near one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from ckm import churn, kb, loyalty, segment
from ckm._kb.draft import DraftFields
from ckm._loyalty.words import load_words
from ckm._segment.lifecycle.definition import LifecycleDefinition
from ckm._segment.lifecycle.flows import lifecycle_flows
from ckm._segment.monetary import Monetary
from ckm.check import CheckLimits, Severity, check_tables, read_controls, to_junit
from ckm.config import Config
from ckm.customers.ledger_reader import read_ledger
from ckm.dataset import Dataset, open_dataset
from ckm.errors import CkmError, InputError, NotEnoughDataError, UnknownNameError, UsageError
from ckm.metrics.catalogue import load_catalogue
from ckm.render.writers import render

DAY = date(2025, 12, 31)
Call = Callable[[], object]


def rows(count: int = 40) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "customer_id": [f"c{n % 9}" for n in range(count)],
            "ordered_at": [datetime(2025, 1 + n % 12, 1 + n % 28, tzinfo=UTC) for n in range(count)],
            "net": [10.0 + n for n in range(count)],
            "currency": ["EUR"] * count,
            "type": ["sale"] * count,
        }
    )


def data(**tables: pl.LazyFrame) -> Dataset:
    return Dataset(tables, "shop")


SHOP = data(transactions=rows())
TABLES = SHOP.tables


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A knowledge base of one entry."""
    folder = tmp_path / "kb"
    folder.mkdir()
    (folder / "late-parcel.yaml").write_text(
        "schema: ckm.kb/1\nid: late-parcel\nkind: for\ntitle: Late parcel\nfacet: policy\nissue: late\n"
        "resolution: wait\norigin: {kind: experience, mode: human}\nstate: {confidence: validated, by: a}\n",
        encoding="utf-8",
    )
    return folder


def near(call: Call) -> str:
    with pytest.raises(UnknownNameError) as caught:
        call()
    assert not isinstance(caught.value, KeyError)
    return f"{caught.value} {caught.value.hint}"


NAMES: dict[str, tuple[Call, str]] = {
    "a method of segments": (
        lambda: segment.segment_dataset(SHOP, segment.SegmentOptions(by="rmf"), Config()),
        "'rfm'",
    ),
    "a method to learn": (lambda: segment.segment_customers(TABLES, by="cluster", as_of=DAY), "'clusters'"),
    "a metric of money": (lambda: Monetary(money="nett"), "'net'"),  # type: ignore[arg-type]
    "a model of churn": (lambda: churn.warn(SHOP, churn.ChurnOptions(model="scorcard"), Config()), "'scorecard'"),
    "a dimension": (lambda: loyalty.loyalty_report(SHOP, loyalty.LoyaltyOptions(by="curency"), Config()), "'currency'"),
    "a comparison": (
        lambda: loyalty.loyalty_report(SHOP, loyalty.LoyaltyOptions(comparison="previos"), Config()),  # type: ignore[arg-type]
        "'previous'",
    ),
    "a goal's metric": (
        lambda: loyalty.loyalty_report(SHOP, loyalty.LoyaltyOptions(), replace(Config(), goals={"retention_rat": 1})),
        "'retention_rate'",
    ),
    "a metric": (lambda: load_catalogue()["gin"], "'gini'"),
    "a language": (lambda: load_words("dee"), "'de'"),
    "a file format": (lambda: render(pl.DataFrame({"a": [1]}), ".jsn"), "'.json'"),
    "a check": (lambda: CheckLimits(skip=("freshnes",)), "'freshness'"),
    "a severity": (lambda: Severity("eror"), "'error'"),
    "a time zone of a check": (lambda: check_tables(TABLES, time_zone="Europe/Berln"), "'Europe/Berlin'"),
    "a time zone": (
        lambda: segment.segment_customers(TABLES, as_of=DAY, time_zone="Europe/Berln"),
        "'Europe/Berlin'",
    ),
}


@pytest.mark.parametrize(("call", "meant"), NAMES.values(), ids=NAMES)
def test_an_unknown_name_is_refused_with_the_near_one(call: Call, meant: str) -> None:
    assert f"did you mean {meant}?" in near(call)


def test_an_unknown_filter_rule_or_entry_of_a_knowledge_base_is_refused_with_the_near_one(base: Path) -> None:
    calls: dict[str, Call] = {
        "'kind'": lambda: kb.search(base, "x", as_of=DAY, filters={"knd": ["for"]}),
        "'from'": lambda: kb.search(base, "x", as_of=DAY, filters={"kind": ["for", "fro"]}),
        "'validated'": lambda: kb.search(base, "x", as_of=DAY, filters={"state": ["validate"]}),
        "'policy'": lambda: kb.suite(base, base / "late-parcel.yaml", kb.Scope(DAY, {"facet": ["polcy"]})),
        "'late-parcel'": lambda: kb.show(base, "late-parcl", DAY),
        "'near-duplicate'": lambda: kb.lint(base, DAY, settings=replace(Config().kb, skip=("near-duplicat",))),
        "'complaint'": lambda: kb.new_entry(base, DraftFields(origin="complant"), DAY),
        "'about'": lambda: kb.new_entry(base, DraftFields(kind="abut"), DAY),
    }
    for meant, call in calls.items():
        assert f"did you mean {meant}?" in near(call)


EMPTY: dict[str, Call] = {
    "segments": lambda: segment.segment_dataset(data(), segment.SegmentOptions(), Config()),
    "segments of customers": lambda: segment.segment_customers({}, as_of=DAY),
    "segments of other tables": lambda: segment.segment_customers({"customers": rows()}, as_of=DAY),
    "churn": lambda: churn.warn(data(), churn.ChurnOptions(), Config()),
    "loyalty": lambda: loyalty.loyalty_report(data(customers=rows()), loyalty.LoyaltyOptions(), Config()),
    "checks": lambda: check_tables({}),
    "flows": lambda: lifecycle_flows(read_ledger({}, as_of=DAY), lifecycle()),
}


@pytest.mark.parametrize("call", EMPTY.values(), ids=EMPTY)
def test_a_missing_table_is_not_enough_data_and_what_to_load_is_reported(call: Call) -> None:
    with pytest.raises(NotEnoughDataError) as caught:
        call()
    assert "ckm ingest FILE --as" in (caught.value.hint or "")


COLUMNS = ("customer_id", "ordered_at", "net")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    "analysis",
    [
        lambda shop: segment.segment_dataset(shop, segment.SegmentOptions(), Config()),
        lambda shop: segment.segment_dataset(shop, segment.SegmentOptions(by="lifecycle"), Config()),
        lambda shop: churn.warn(shop, churn.ChurnOptions(model="rule"), Config()),
        lambda shop: loyalty.loyalty_report(shop, loyalty.LoyaltyOptions(), Config()),
    ],
    ids=["rfm", "lifecycle", "churn", "loyalty"],
)
def test_a_missing_column_is_named(analysis: Callable[[Dataset], object], column: str) -> None:
    with pytest.raises(CkmError, match=f"'{column}'"):
        analysis(data(transactions=rows().drop(column)))


def lifecycle() -> LifecycleDefinition:
    found = segment.segment_customers(TABLES, by="lifecycle", as_of=DAY).definition.definition
    assert isinstance(found, LifecycleDefinition)
    return found


WRONG: dict[str, Call] = {
    "a horizon of none": lambda: churn.warn(SHOP, churn.ChurnOptions(horizon=0), Config()),
    "a period of none": lambda: loyalty.loyalty_report(SHOP, loyalty.LoyaltyOptions(months=0), Config()),
    "a period of ages": lambda: loyalty.loyalty_report(SHOP, loyalty.LoyaltyOptions(months=10**7), Config()),
    "a group of less than none": lambda: loyalty.LoyaltyOptions(min_group_size=-1),
    "a window of none": lambda: Monetary(window=0),
    "a method that learns nothing": lambda: segment.segment_customers(TABLES, by="rules", as_of=DAY),
    "a folder that is none": lambda: kb.search(Path("nowhere"), "x", as_of=DAY),
    "no hits": lambda: kb.search(Path(__file__).parent, "x", as_of=DAY, limit=0),
    "more hits than there is memory": lambda: kb.search(Path(__file__).parent, "x", as_of=DAY, limit=10**12),
    "a file that is none": lambda: open_dataset(Path("nowhere.csv")),
    "controls that are none": lambda: read_controls(Path("nowhere.csv")),
    "controls without a column": lambda: check_tables(TABLES, controls=pl.DataFrame({"a": [1]})),
    "a quarantine without a column": lambda: check_tables(TABLES, quarantine=pl.LazyFrame({"a": [1]})),
    "a card of no backtest": lambda: churn.model_card(
        SimpleNamespace(forecast=SimpleNamespace(backtest=None))  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_impossible_histories_are_refused_with_the_reason(call: Call) -> None:
    with pytest.raises((UsageError, InputError)) as caught:
        call()
    assert str(caught.value)


def test_a_severity_may_be_given_by_its_name() -> None:
    report = check_tables(TABLES)
    assert report.reaches("info") == bool(report.findings)  # type: ignore[arg-type]
    assert to_junit(report, fail_on=Severity.error).startswith("<?xml")
