"""Export: every column has a description, no cell is a formula, and equal input gives equal bytes."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ckm._loyalty.export import export_customers
from ckm.errors import UsageError
from ckm.metrics import feature_sample as sample_module
from ckm.metrics.context import ReportContext
from ckm.metrics.customer_columns import list_audiences, own_columns
from ckm.metrics.customer_segments import read_segments
from ckm.metrics.customer_table import CustomerFacts, customer_table
from ckm.metrics.feature_sample import read_features
from ckm.metrics.growth_potential import read_growth_potential
from ckm.metrics.lifecycle import lifecycle_of
from ckm.metrics.lifetime import read_lifetime
from ckm.metrics.margin import read_margin
from ckm.metrics.metric import Missing
from ckm.metrics.second_order import SecondOrders, second_orders
from ckm.metrics.value_at_risk import Risk, read_risk
from tests.metrics.known import (
    example_context,
    example_growth_potential,
    example_lifetime,
    example_margin,
    example_sample,
)
from tests.metrics.rows import context, row, tables
from tests.metrics.stores import example_frames

pytestmark = pytest.mark.slow  # whichever comes first makes what all look at, in seconds

FORMULA = "=cmd|' /C calc'!A0"
ODD = [FORMULA, "../x", "../../etc/passwd", "@SUM(A1)", "-1+1", 'a,b\n"c"', "ok"]
FILES = ["customers.parquet", "dictionary.md", "dictionary.json"]
FILES += [f"{each.name}.csv" for each in list_audiences()]


def known(of: ReportContext) -> CustomerFacts:
    margin, segments, sample = read_margin(of), read_segments(of), read_features(of)
    lifetime = read_lifetime(of, margin)
    thin = Missing("churn", "no_forecast")
    growth_potential, second = read_growth_potential(of, sample), second_orders(of)
    return CustomerFacts(sample, lifetime, growth_potential, segments, thin, lifecycle_of(of), second_orders=second)


@cache
def of_example() -> CustomerFacts:
    of, lifetime, sample = example_context(), example_lifetime(), example_sample()
    ids, segments = of.ledger.customers, read_segments(of)
    loyal = pl.DataFrame({"customer_id": [ids[0], ids[9]], "rule": ["often", "rated"]})
    risk = read_risk(of, example_margin(), segments)
    growth_potential = example_growth_potential()
    return CustomerFacts(sample, lifetime, growth_potential, segments, risk, lifecycle_of(of), loyal, second_orders(of))


def odd_shop() -> ReportContext:
    """Return customers with ids and names that are formulas or paths."""
    rows = [row(who, day, 10.0, channel=FORMULA) for who in ODD for day in (0, 40, 300)]
    rows += [row(f"once {who}", 350, 5.0) for who in ODD]
    data = tables(*rows)
    names = pl.LazyFrame({"customer_id": ODD, "display_name": [f"+{who}" for who in ODD]})
    return context({**data, "customers": names})


def test_the_files_have_fixed_names_and_nothing_else_is_written(tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "out"
    written = export_customers(odd_shop(), known(odd_shop()), inside, names=True)
    assert [path.name for path in written] == FILES
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        f"deep/out/{name}" for name in FILES
    )


def test_every_column_is_in_both_dictionaries_with_its_type_and_version(tmp_path: Path) -> None:
    export_customers(example_context(), of_example(), tmp_path)
    frame = pl.read_parquet(tmp_path / "customers.parquet")
    document = json.loads((tmp_path / "dictionary.json").read_text("utf-8"))
    assert [(each["name"], each["type"]) for each in document["columns"]] == [
        (name, str(dtype)) for name, dtype in frame.schema.items()
    ]
    keys = {"name", "type", "unit", "meaning", "formula", "null", "version"}
    assert all(set(each) == keys and all(each.values()) for each in document["columns"])
    page = (tmp_path / "dictionary.md").read_text("utf-8")
    assert all(f"| {name} | {dtype}, " in page for name, dtype in frame.schema.items())
    assert (document["as_of"], document["currency"]) == ("2026-06-30", "EUR")


def test_the_table_has_one_row_per_customer_with_all_results_of_the_sections() -> None:
    of, parts = example_context(), of_example()
    table = customer_table(of, parts)
    frame = table.frame
    assert frame["customer_id"].to_list() == parts.sample.table.frame["customer_id"].to_list()
    assert frame["customer_id"].n_unique() == frame.height
    assert set(own_columns()) - set(frame.columns) == {"display_name"}
    assert set(parts.sample.table.frame.columns) <= set(frame.columns)
    full = ("segment", "lifecycle_state", "value_segment", "clv", "expected_orders", "p_leave")
    assert all(frame[name].null_count() == 0 for name in full)
    spend, low, high = (frame[f"expected_spend{end}"] for end in ("", "_low", "_high"))
    assert spend.null_count() == 0
    assert (low <= high).all()
    assert (low >= 0).all()
    assert spend.sum() >= frame["clv"].sum()
    assert isinstance(parts.risk, Risk)
    assert frame["value_at_risk"].sum() == pytest.approx(parts.risk.customers["value_at_risk"].sum())
    assert frame["loyalty_rule"].drop_nulls().to_list() == ["often", "rated"]


def test_the_lists_have_the_customers_and_the_order_of_their_description(tmp_path: Path) -> None:
    export_customers(example_context(), of_example(), tmp_path)
    frame = pl.read_parquet(tmp_path / "customers.parquet")
    lists = {each.name: pl.read_csv(tmp_path / f"{each.name}.csv", infer_schema=False) for each in list_audiences()}
    for each in list_audiences():
        assert lists[each.name].columns == ["customer_id", *each.columns, "reason_text", "product_text"]
        assert lists[each.name].height > 0
    chosen = {
        "loyal": frame.filter(pl.col("loyalty_rule").is_not_null()),
        "at-risk": frame.filter(pl.col("risk_level").is_not_null()),
        "reactivated": frame.filter(pl.col("lifecycle_state") == "reactivated"),
        "one-time": frame.filter(pl.col("frequency") == 1),
        "headroom": frame.filter(
            pl.col("value_segment").is_in(["protect", "grow"])
            & (pl.col("spend_12mo") != 0)
            & (pl.col("recency_days") < 365)
        ),
        "second_order_due": frame.filter(pl.col("second_order_due_until").is_not_null()),
    }
    for name, expected in chosen.items():
        assert set(expected["customer_id"]) <= set(lists[name]["customer_id"])
    second = second_orders(example_context())
    assert isinstance(second, SecondOrders)
    assert lists["second_order_due"]["customer_id"].to_list() == second.customers["customer_id"].to_list()
    assert lists["second_order_due"]["first_purchase"].to_list() == [
        f"{day}" for day in second.customers["first_order"]
    ]
    at_risk = lists["at-risk"]["value_at_risk"].cast(pl.Float64).to_list()
    assert at_risk == sorted(at_risk, reverse=True)


def test_customers_with_a_refusal_or_a_recent_contact_are_in_no_list_but_in_the_table(tmp_path: Path) -> None:
    of = odd_shop()
    refused = pl.LazyFrame({"customer_id": ["once ok"], "at": [date(2024, 6, 1)], "granted": [False]})
    of = replace(of, tables={**of.tables, "consents": refused})
    export_customers(of, known(of), tmp_path)
    frame = pl.read_parquet(tmp_path / "customers.parquet")
    assert frame.filter(pl.col("left_alone") == "no_consent")["customer_id"].to_list() == ["once ok"]
    listed = pl.read_csv(tmp_path / "one-time.csv", infer_schema=False)["customer_id"].to_list()
    assert len(listed) == len(ODD) - 1
    assert "once ok" not in listed


def test_no_cell_of_a_list_is_a_formula_and_the_table_holds_ids_as_they_are(tmp_path: Path) -> None:
    export_customers(odd_shop(), known(odd_shop()), tmp_path, names=True)
    for path in tmp_path.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line]
        assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "\t"}]
    ids = pl.read_parquet(tmp_path / "customers.parquet")["customer_id"].to_list()
    assert set(ODD) <= set(ids)


def test_names_are_exported_on_request_only(tmp_path: Path) -> None:
    of = odd_shop()
    export_customers(of, known(of), tmp_path / "without")
    export_customers(of, known(of), tmp_path / "with", names=True)
    for name in FILES:
        text = (tmp_path / "without" / name).read_bytes()
        assert b"display_name" not in text
        assert b"+ok" not in text
    assert pl.read_parquet(tmp_path / "with" / "customers.parquet")["display_name"].drop_nulls().len() == len(ODD)
    assert pl.read_csv(tmp_path / "with" / "one-time.csv").columns[:2] == ["customer_id", "display_name"]


def test_equal_customers_give_equal_bytes_regardless_of_row_order(tmp_path: Path) -> None:
    frames = example_frames()
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=5).lazy() for name, frame in frames.items()}
    other = context(shuffled)
    for folder, of in (("one", example_context()), ("two", other)):
        export_customers(of, known(of), tmp_path / folder)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_table_has_all_customers_even_if_sections_used_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    of = example_context()
    monkeypatch.setattr(sample_module, "FEW_ROWS", 1_000)
    monkeypatch.setattr(sample_module, "SAMPLE", 500)
    parts = known(of)
    assert parts.sample.table.frame.height == 500
    frame = customer_table(of, parts).frame
    assert frame.height == parts.sample.of
    assert frame["value_segment"].null_count() == 0


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside, inside = tmp_path / "precious.csv", tmp_path / "out"
    outside.write_text("mine")
    inside.mkdir()
    (inside / "loyal.csv").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of"):
        export_customers(odd_shop(), known(odd_shop()), inside)
    assert outside.read_text() == "mine"
    with pytest.raises(UsageError, match="no folder"):
        export_customers(odd_shop(), known(odd_shop()), outside)


def test_a_single_customer_without_forecasts_is_exported_too(tmp_path: Path) -> None:
    of = context(tables(row("ann", 3)))
    export_customers(of, known(of), tmp_path)
    frame = pl.read_parquet(tmp_path / "customers.parquet")
    assert frame["customer_id"].to_list() == ["ann"]
    assert frame.select("clv", "value_segment", "segment", "p_leave", "headroom").row(0) == (None,) * 5
    assert frame.schema["clv"] == pl.Float64
