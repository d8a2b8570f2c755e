"""Order rules give the true totals of the orders, whatever the layout of the export."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.errors import UsageError
from ckm.io.mapping.convert import Conversion
from ckm.io.mapping.mapping import Expression, FromColumn, FromColumns, Mapping, StatusRule
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.platforms import recognise
from ckm.io.mapping.whole_orders import by_order
from ckm.io.readers.format import Batch, rejected_frame
from tests.io.mapping.formats import format_of
from tests.io.mapping.shop_exports import Shop, shop, shopify, woocommerce

seeds = st.integers(0, 10_000)


def planned(records: pl.DataFrame, mapping: Mapping | None = None, **options: Any) -> Conversion:
    if mapping is None:
        platform = recognise(records.columns, records)
        assert platform is not None
        mapping = platform.mapping_for(records.columns)
    return plan_conversion(mapping, format_of(records), records, more=lambda: iter([records]), **options)


def converted(records: pl.DataFrame, mapping: Mapping | None = None, **options: Any) -> pl.DataFrame:
    result = planned(records, mapping, **options).apply(records)
    assert result.reasons.drop_nulls().to_list() == []
    return result.frame


def by_number(rows: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Return, per purchase, net sales, discounts and returns."""
    sums = (
        rows.filter(pl.col("type") != "cancel")
        .group_by(pl.col("order_id").str.strip_prefix("#"))
        .agg(
            sold=pl.col("net").filter(type="sale").sum().round(3),
            discounts=pl.col("discount").filter(type="sale").sum().round(3),
            returns=(-pl.col("net").filter(type="return").sum()).round(3),
        )
    )
    return {order: (net, discount, returns) for order, net, discount, returns in sums.iter_rows()}


@given(seeds, st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]))
def test_orders_with_amounts_on_the_first_line_have_the_true_totals(seed: int, money: tuple[str, int]) -> None:
    truth = shop(seed, digits=money[1])
    rows = converted(shopify(truth, currency=money[0]))
    assert by_number(rows) == truth.by_order()
    assert set(rows["currency"]) == {money[0]}
    assert rows.filter(type="cancel")["order_id"].n_unique() == len(truth.orders) - len(truth.counted)


@given(seeds, st.booleans())
def test_orders_with_amounts_on_each_line_have_the_true_totals(seed: int, quantities_left: bool) -> None:
    truth = shop(seed)
    assert by_number(converted(woocommerce(truth, quantities_left=quantities_left))) == truth.by_order()


@given(seeds)
def test_refunded_tax_and_shipping_is_no_return_if_prices_exclude_tax(seed: int) -> None:
    truth = shop(seed, tax_on_top=True)
    found = by_number(converted(shopify(truth)))
    assert found.keys() == truth.by_order().keys()
    for order, (net, discount, returns) in truth.by_order().items():
        assert found[order] == (net, discount, pytest.approx(returns, abs=0.011))


@given(seeds, st.permutations(range(12)))
def test_lines_of_an_order_need_not_be_adjacent(seed: int, order: list[int]) -> None:
    truth = shop(seed, count=12)
    for export in (shopify(truth), woocommerce(truth)):
        parts = [export.filter(pl.int_range(pl.len()) % 12 == place) for place in order]
        if "Subtotal" in export.columns:  # order-level values are on the first line
            parts = [
                export.filter(pl.col("Subtotal").is_not_null()),
                export.filter(pl.col("Subtotal").is_null()).reverse(),
            ]
        assert by_number(converted(pl.concat(parts))) == truth.by_order()


def batches(records: pl.DataFrame, size: int) -> list[Batch]:
    lines = pl.int_range(2, records.height + 2, eager=True)
    cuts = [*range(0, records.height, size), records.height]
    return [Batch(records[low:high], lines[low:high], rejected_frame()) for low, high in pairwise(cuts)]


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_batches_by_order_give_the_same_rows_as_one_batch(size: int) -> None:
    truth = shop(3)
    records = shopify(truth)
    conversion = planned(records)
    pieces = list(conversion.pieces(batches(records, size)))
    assert sorted(line for piece in pieces for line in piece.lines) == list(range(2, records.height + 2))
    rows = pl.concat([conversion.apply(piece.records).frame for piece in pieces])
    assert by_number(rows) == truth.by_order()
    whole = converted(records)
    assert rows.sort("order_id", "line_no").equals(whole.sort("order_id", "line_no"))


def test_rejected_records_are_kept_when_batches_are_regrouped() -> None:
    records = shopify(shop(3, count=5))
    first, *rest = batches(records, 4)
    bad = rejected_frame([(99, "too short", "x")])
    pieces = list(by_order([Batch(first.records, first.lines, bad), *rest], "Name"))
    assert pl.concat([piece.rejected for piece in pieces]).equals(bad)


def test_batches_are_unchanged_if_no_record_needs_another() -> None:
    given_ = batches(shopify(shop(3, count=5)), 2)
    assert [id(piece) for piece in by_order(given_, None)] == [id(piece) for piece in given_]


@given(seeds)
def test_the_number_of_a_line_does_not_depend_on_the_sequence_of_lines(seed: int) -> None:
    export = woocommerce(shop(seed, count=8))
    rows, reversed_rows = (converted(each).sort("order_id", "line_no") for each in (export, export.reverse()))
    assert rows.select("order_id", "line_no").equals(reversed_rows.select("order_id", "line_no"))
    assert rows.select("order_id", "line_no").is_duplicated().any() is False


def test_two_lines_of_one_product_are_two() -> None:
    line = {
        "Order Number": "1",
        "Order Status": "Completed",
        "Order Date": "2024-03-01 10:00",
        "SKU": "MUG",
        "Item Cost": "5.00",
    }
    line |= {
        "Quantity (- Refund)": "1",
        "Order Subtotal Amount": "10.00",
        "Cart Discount Amount": "0",
        "Email (Billing)": "a@x",
    }
    line |= {"Item Name": "Mug"}
    rows = converted(pl.DataFrame([line, line]))
    assert rows["line_no"].to_list() == ["MUG", "MUG#2"]


def payments(**columns: list[str | None]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    plain = {"id": [f"p{place}" for place in range(height)], "day": ["2024-05-01"] * height, "cur": ["EUR"] * height}
    return pl.DataFrame({**plain, **columns}, schema_overrides=dict.fromkeys([*plain, *columns], pl.String))


def payment_mapping(**options: Any) -> Mapping:
    columns = {"order_id": "id", "customer_id": "who", "ordered_at": "day", "net": "amount", "currency": "cur"}
    columns |= options.pop("more", {})
    rules = {
        target: source if not isinstance(source, str) else FromColumn(source) for target, source in columns.items()
    }
    return Mapping(name="pay", table="transactions", columns=rules, **options)


def test_a_refund_of_a_line_is_a_return_on_its_own_day_and_never_more_than_the_line() -> None:
    records = payments(
        who=["a", "b", "c"],
        amount=["10.00", "20.00", "5.00"],
        back=["0.00", "-8.50", "9.00"],
        back_on=[None, "2024-06-02", None],
    )
    mapping = payment_mapping(more={"refund": "back", "refunded_at": "back_on"})
    conversion = planned(records, mapping)
    returns = conversion.apply(records).frame.filter(type="return")
    assert returns["net"].to_list() == [-8.5, -5.0]
    assert [str(at.date()) for at in returns["ordered_at"]] == ["2024-06-02", "2024-05-01"]
    assert "2 rows are refunds, 1 without a date, on the day of the order" in conversion.cleaning_remarks()


def test_a_status_decides_what_a_row_is_and_an_unknown_one_is_quarantined() -> None:
    records = payments(
        who=["a"] * 6,
        amount=["10.00"] * 6,
        state=["Paid", " FAILED ", "transfer", "Charged back", "odd", None],
        gone=[None, None, None, None, None, "2024-05-02"],
    )
    status = (
        StatusRule("gone", filled="cancel"),
        StatusRule("state", {"paid": "sale", "failed": "cancel", "transfer": "ignore", "charged back": "return"}),
    )
    conversion = planned(records, payment_mapping(status=status))
    result = conversion.apply(records)
    assert result.frame.select("order_id", "type", "net").rows() == [
        ("p0", "sale", 10.0),
        ("p1", "cancel", 10.0),
        ("p3", "return", -10.0),
        ("p4", "sale", 10.0),
        ("p5", "cancel", 10.0),
    ]
    assert result.reasons.to_list() == [None, None, None, ["status|vocabulary"], None]
    assert result.origin is not None
    assert result.origin.to_list() == [0, 1, 3, 4, 5]
    assert "1 record left out: no sales by their status ('gone', 'state')" in conversion.cleaning_remarks()


def test_minor_units_are_divided_by_the_digits_of_the_currency() -> None:
    records = payments(who=["a"] * 3, amount=["1250", "1250", "1250"]).with_columns(
        cur=pl.Series(["EUR", "JPY", "KWD"])
    )
    rows = converted(records, payment_mapping(minor_units=("net",)))
    assert rows["net"].to_list() == [12.5, 1250.0, 1.25]


def test_guest_ids_are_read_as_missing() -> None:
    records = payments(who=["0", " Guest ", "00", "ann"], amount=["1"] * 4)
    rows = converted(records, payment_mapping(guest_ids=("0", "guest")))
    assert rows["customer_id"].to_list() == [None, None, "00", "ann"]


def test_a_date_and_a_time_in_two_columns_are_one_timestamp() -> None:
    records = payments(who=["a", "b"], amount=["1", "1"], clock=["13:45:10", None])
    rows = converted(records, payment_mapping(more={"ordered_at": FromColumns(("day", "clock"), "columns")}))
    assert [at.isoformat() for at in rows["ordered_at"]] == ["2024-05-01T13:45:10+00:00", "2024-05-01T00:00:00+00:00"]


def test_the_first_column_that_is_filled_gives_the_value() -> None:
    records = payments(who=["a", " ", None], amount=["1"] * 3, mail=["x@y", "b@y", None])
    rows = converted(records, payment_mapping(more={"customer_id": FromColumns(("who", "mail"), "first")}))
    assert rows["customer_id"].to_list() == ["a", "b@y", None]


def test_an_order_total_on_every_line_counts_once() -> None:
    records = pl.DataFrame(
        {
            "no": ["1", "1", "2"],
            "who": ["a", "a", "b"],
            "day": ["2024-01-01"] * 3,
            "pieces": ["1", "3", "1"],
            "sum": ["10.01", "10.01", "7"],
        }
    )
    names = {"order_id": "no", "customer_id": "who", "ordered_at": "day", "quantity": "pieces", "order_net": "sum"}
    mapping = Mapping(
        name="m", table="transactions", columns={target: FromColumn(name) for target, name in names.items()}
    )
    rows = converted(records, mapping)
    assert rows["net"].to_list() == [2.5, 7.51, 7.0]


def test_a_discount_on_shipping_does_not_reduce_the_goods() -> None:
    truth = shopify(Shop(tuple(each for each in shop(5).orders if not each.discount and each.status == "paid")))
    free = truth.with_columns(pl.when(pl.col("Subtotal").is_not_null()).then(pl.lit("4.90")).alias("Discount Amount"))
    assert by_number(converted(free)) == by_number(converted(truth))


def test_a_part_of_an_order_gets_its_share_of_the_order_amounts() -> None:
    truth = shop(11, count=60)
    export = woocommerce(truth)
    half = export.with_row_index().filter(pl.col("index") % 2 == 0).drop("index")
    other = export.with_row_index().filter(pl.col("index") % 2 == 1).drop("index")
    parts = [by_number(converted(part)) for part in (half, other)]
    for order, amounts in truth.by_order().items():
        if amounts[2] == 0:
            found = [part.get(order, (0.0, 0.0, 0.0)) for part in parts]
            assert sum(each[0] for each in found) == pytest.approx(amounts[0], abs=0.011)


def test_order_amounts_need_an_order_number() -> None:
    records = payments(who=["a"], amount=["1"], less=["1"])
    mapping = payment_mapping(more={"order_discount": "less", "order_id": Expression("who || day")})
    with pytest.raises(UsageError, match="need its number"):
        planned(records, mapping)


def test_a_line_without_its_orders_first_line_is_quarantined() -> None:
    records = shopify(Shop(tuple(each for each in shop(2).orders if len(each.lines) > 1)))
    result = planned(records).apply(records[1:])
    first = [reasons for reasons in result.reasons.to_list() if reasons]
    assert first
    assert all("row|first_line_missing" in reasons for reasons in first)


@pytest.mark.parametrize(
    ("text", "day"),
    [("Jan-05-26", "2026-01-05"), ("Dec-31-99", "1999-12-31"), ("Mar-04-25 13:10:00 PST", "2025-03-04")],
)
def test_dates_with_a_month_name_and_a_two_digit_year_are_parsed(text: str, day: str) -> None:
    rows = converted(payments(who=["a"], amount=["1"], day=[text]), payment_mapping())
    assert str(rows["ordered_at"][0].date()) == day


def test_a_file_level_column_applies_to_all_records() -> None:
    records = payments(who=["a"] * 3, amount=["1"] * 3, cur=[None, "USD", " "])
    assert set(converted(records, payment_mapping(file_level=("cur",)))["currency"]) == {"USD"}


@pytest.mark.parametrize(("word", "hour"), [("Europe/Berlin", 11), ("PDT", 20), ("nowhere", 12)])
def test_a_column_can_give_the_time_zone(word: str, hour: int) -> None:
    records = payments(who=["a"], amount=["1"], day=["2024-01-05 12:00"], zone=[word])
    mapping = payment_mapping(time_zone_column="zone")
    assert (
        converted(records, mapping)["ordered_at"][0].hour == hour
    )  # standard time in January, also for a name of summer time
    assert converted(records, payment_mapping(time_zone_column="zone", time_zone="UTC"))["ordered_at"][0].hour == 12


def test_each_timestamp_is_converted_with_the_zone_of_its_row() -> None:
    zones = ["Pacific Time (US & Canada)", "Eastern Time (US & Canada)", None, "nowhere", "Pacific Time (US & Canada)"]
    records = payments(who=["a"] * 5, amount=["1"] * 5, day=["2024-07-05 12:00"] * 5, zone=zones)
    result = planned(records, payment_mapping(time_zone_column="zone"))
    hours = [moment.hour for moment in result.apply(records).frame["ordered_at"]]
    assert hours == [19, 16, 19, 19, 19]
    assert any("America/Los_Angeles and America/New_York" in remark for remark in result.remarks)
    assert any("unknown time zones" in remark for remark in result.remarks)


@pytest.mark.parametrize("minus", ["-5", "(5)", "5-", "-$5", "$-5", "\u22125"])
def test_a_status_rule_can_apply_to_amounts_of_one_sign_only(minus: str) -> None:
    amounts = ["5", minus, "5", minus, "0"]
    records = payments(who=["a"] * 5, amount=amounts, part=["pay", "pay", "refund", "refund", "pay"])
    status = (
        StatusRule("part", {"refund": "return"}, other="next", below_zero="amount"),
        StatusRule("part", {"refund": "ignore"}, other="next", above_zero="amount"),
        StatusRule("amount", filled="ignore", below_zero="amount"),
        StatusRule("part", {"pay": "sale"}),
    )
    conversion = planned(records, payment_mapping(status=status))
    rows = conversion.apply(records).frame
    assert list(zip(rows["order_id"], rows["type"], rows["net"], strict=True)) == [
        ("p0", "sale", 5.0),
        ("p3", "return", -5.0),
        ("p4", "sale", 0.0),
    ]
    assert any("including 1 outgoing payment that" in remark for remark in conversion.cleaning_remarks())


def test_a_status_rule_can_defer_to_the_next_rule() -> None:
    records = payments(who=["a"] * 3, amount=["1"] * 3, part=["goods", "fee", "goods"], state=["ok", "ok", "odd"])
    status = (StatusRule("part", {"goods": "next"}, other="ignore"), StatusRule("state", {"ok": "sale"}))
    result = planned(records, payment_mapping(status=status)).apply(records)
    assert result.frame["order_id"].to_list() == ["p0", "p2"]
    assert result.reasons.to_list() == [None, ["status|vocabulary"]]


def test_net_is_gross_minus_the_discount_of_the_line() -> None:
    records = payments(who=["a", "b"], amount=["10.00", None], less=["-2.50", None])
    mapping = payment_mapping(more={"gross": "amount", "discount": "less"})
    rules = {target: rule for target, rule in mapping.columns.items() if target != "net"}
    rows = converted(records, Mapping(name="m", table="transactions", columns=rules))
    assert rows["net"].to_list() == [7.5, 0.0]
    assert "gross" not in rows.columns


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_order_level_columns_are_filled_from_the_first_line(size: int) -> None:
    truth = shop(9)
    full = woocommerce(truth)
    own = [
        name for name in full.columns if name.startswith("Order") or name in {"Email (Billing)", "Cart Discount Amount"}
    ]
    first = pl.col("Order Number").is_first_distinct()
    records = full.with_columns(pl.when(first).then(pl.col(own)))
    conversion = planned(records)
    rows = pl.concat([conversion.apply(piece.records).frame for piece in conversion.pieces(batches(records, size))])
    assert by_number(rows) == truth.by_order()
    whole = converted(full)
    shared = ["order_id", "line_no", "customer_id", "ordered_at", "net", "type"]
    assert rows.select(shared).sort("order_id", "line_no").equals(whole.select(shared).sort("order_id", "line_no"))


def test_typed_columns_are_not_parsed_as_text() -> None:
    truth = shop(10)
    typed = woocommerce(truth).with_columns(
        pl.col("Order Number", "Quantity (- Refund)").cast(pl.Int64),
        pl.col("Order Date").str.to_datetime("%Y-%m-%d %H:%M"),
        pl.col("Item Cost", "Order Subtotal Amount", "Cart Discount Amount", "Order Refund Amount").cast(pl.Float64),
    )
    assert by_number(converted(typed)) == truth.by_order()


def test_a_cancelled_shopify_order_is_no_purchase_whatever_its_refund() -> None:
    truth = shop(12)
    gone = truth.counted[0]
    at = pl.when(pl.col("Name") == f"#{gone.number}", pl.col("Subtotal").is_not_null()).then(pl.lit("2024-04-01"))
    rows = converted(shopify(truth).with_columns(at.alias("Cancelled at")))
    assert by_number(rows) == {order: sums for order, sums in truth.by_order().items() if order != str(gone.number)}
