"""Conversion returns every row with typed values, and the reasons of invalid ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.errors import AmbiguousError, UnknownNameError, UsageError
from ckm.io.mapping.convert import Conversion, Converted
from ckm.io.mapping.mapping import ColumnRule, Constant, Expression, FromColumn, Mapping, RowRule
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.readers.hints import Hints
from ckm.schema import RESERVED_COLUMNS, TABLES
from tests.conftest import examples
from tests.io.mapping.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = {
    "order_id": "1",
    "customer_id": "C1",
    "ordered_at": "2025-01-02",
    "net": "9.99",
    "currency": "EUR",
    "type": "sale",
}


def orders(**columns: list[str | None]) -> pl.DataFrame:
    """Return records of orders, with these columns instead of the default ones."""
    height = len(next(iter(columns.values())))
    whole = {name: [value] * height for name, value in PLAIN.items()} | columns
    return pl.DataFrame(whole, schema_overrides=dict.fromkeys(whole, pl.String))


def plan(records: pl.DataFrame, mapping: Mapping | None = None, **options: Any) -> Conversion:
    mapping = mapping or propose_mapping(records.columns, "transactions").mapping
    more = options.pop("more", lambda: iter([records]))
    file = format_of(records, numeric=options.pop("numeric", ()))
    return plan_conversion(mapping, file, records, more=more, **options)


def convert(records: pl.DataFrame, mapping: Mapping | None = None, **options: Any) -> Converted:
    return plan(records, mapping, **options).apply(records)


def mapped(records: pl.DataFrame, hints: Hints | None = None, **rules: ColumnRule) -> Mapping:
    same: dict[str, ColumnRule] = {name: FromColumn(name) for name in records.columns if name in PLAIN}
    return Mapping(name="shop", table="transactions", hints=hints or Hints(), columns=same | rules)


@pytest.mark.slow
def test_a_table_of_thousands_of_columns_keeps_them_all() -> None:
    wide = orders(order_id=["1"]).with_columns(pl.lit("v").alias(f"x{place}") for place in range(6000))
    mapping = propose_mapping(list(PLAIN), "transactions").mapping
    assert plan(wide, mapping).apply(wide).frame.width > 6000


def test_typed_schema_columns_come_first_and_extra_columns_unchanged_after_them() -> None:
    result = convert(orders(note=["a", None]))
    contract = TABLES["transactions"].dtypes
    assert dict(list(result.frame.schema.items())[: len(contract)]) == contract
    assert result.frame.columns[len(contract) :] == ["note"]
    assert result.frame["note"].to_list() == ["a", None]
    assert result.reasons.dtype == result.flags.dtype == pl.List(pl.String())
    assert result.reasons.null_count() == result.flags.null_count() == 2


def test_ids_keep_leading_zeros_and_lose_surrounding_spaces() -> None:
    result = convert(orders(customer_id=[" 0042 ", "a b", "   ", None], product_id=["007", "1e5", "N/A", "None"]))
    assert result.frame["customer_id"].to_list() == ["0042", "a b", None, None]
    assert result.frame["product_id"].to_list() == ["007", "1e5", None, None]


def test_invalid_values_give_a_reason_and_null_words_are_null() -> None:
    records = orders(
        net=["9.99", "many", "n/a", None, " 5 "], ordered_at=["2025-01-02", "2025-01-02", "soon", "k.A.", "2025-13-01"]
    )
    result = convert(records)
    assert result.frame["net"].to_list() == [9.99, None, None, None, 5.0]
    assert result.reasons.to_list() == [None, ["net|number"], ["ordered_at|date"], None, ["ordered_at|date"]]


def test_a_text_that_was_invalid_in_one_batch_is_invalid_in_the_next() -> None:
    records = orders(
        net=["many", "9.99", "€ 1.50", "n/a"], ordered_at=["2025-01-02", "2024-13-45", "n/a", "2 Jan 2025"]
    )
    conversion = plan(records)
    first, second, third = (conversion.apply(batch) for batch in (records, records, records[::-1]))
    assert first.reasons.to_list() == [["net|number"], ["ordered_at|date"], None, None]
    assert first.frame["net"].to_list() == [None, 9.99, 1.5, None]
    assert second.frame.equals(first.frame)
    assert second.reasons.equals(first.reasons)
    assert third.frame.equals(first.frame[::-1])
    assert third.reasons.to_list() == first.reasons.to_list()[::-1]


def test_every_invalid_column_of_a_row_is_named() -> None:
    result = convert(orders(net=["x"], ordered_at=["y"], quantity=["z"]))
    assert sorted(result.reasons.to_list()[0]) == ["net|number", "ordered_at|date", "quantity|number"]


def test_a_fraction_is_an_invalid_birth_year() -> None:
    records = pl.DataFrame({"customer_id": ["1", "2", "3"], "birth_year": ["1980", "1980.5", "x"]})
    result = convert(records, propose_mapping(records.columns, "customers").mapping)
    assert result.frame["birth_year"].to_list() == [1980, None, None]
    assert result.reasons.to_list() == [None, ["birth_year|integer"], ["birth_year|integer"]]


def test_the_mappings_null_words_are_null_in_text_columns_too() -> None:
    records = orders(channel=["web", "LEER", "none"])
    mapping = mapped(records, Hints(null_values=("LEER",)), channel=FromColumn("channel"))
    assert convert(records, mapping).frame["channel"].to_list() == ["web", None, "none"]


@pytest.mark.parametrize(
    ("texts", "decimal", "values"),
    [
        (["1,5", "1.234"], ",", [1.5, 1234.0]),
        (["1.234,56", "1,234"], ",", [1234.56, 1.234]),
        (["9.99", "1,234"], ".", [9.99, 1234.0]),
        (["(5,00)", "€ 1.000"], ",", [-5.0, 1000.0]),
    ],
)
def test_one_value_determines_the_decimal_mark_of_a_column(texts: list[str], decimal: str, values: list[float]) -> None:
    records = orders(net=texts)
    conversion = plan(records)
    assert conversion.decimal == decimal
    assert conversion.apply(records).frame["net"].to_list() == values


def test_an_ambiguous_decimal_mark_is_refused_with_the_option_that_sets_it() -> None:
    records = orders(net=["1,234", "2,500"])
    with pytest.raises(AmbiguousError, match="column 'net'") as caught:
        plan(records)
    assert "--decimal" in str(caught.value.hint)
    settled = convert(records, mapped(records, Hints(decimal=",")))
    assert settled.frame["net"].to_list() == [1.234, 2.5]


def test_another_column_determines_an_ambiguous_decimal_mark_with_a_remark() -> None:
    records = orders(net=["1,234", "2,500"], cost=["1.50", "2.25"])
    conversion = plan(records)
    assert conversion.apply(records).frame["net"].to_list() == [1234.0, 2500.0]
    assert any("net" in remark for remark in conversion.remarks)


def test_an_ambiguity_in_the_sample_is_resolved_by_the_whole_file() -> None:
    sample, rest = orders(net=["1,234"], ordered_at=["03/04/2025"]), orders(net=["1,5"], ordered_at=["13/04/2025"])
    conversion = plan(sample, more=lambda: iter([sample, rest]))
    assert conversion.decimal == ","
    assert conversion.date_format == "%d/%m/%Y"
    assert conversion.apply(sample).frame["ordered_at"].item() == datetime(2025, 4, 3, tzinfo=UTC)


def test_an_unambiguous_sample_needs_no_pass_over_the_whole_file() -> None:
    def never() -> Iterator[pl.DataFrame]:
        raise AssertionError("read again")

    plan(orders(net=["1,234.5"], ordered_at=["2025-01-02"]), more=never)


def test_an_ambiguous_date_order_is_refused_with_the_option_that_sets_it() -> None:
    records = orders(ordered_at=["03/04/2025", "01/02/2025"])
    with pytest.raises(AmbiguousError, match="column 'ordered_at'") as caught:
        plan(records)
    assert "--dates dmy" in str(caught.value.hint)
    settled = convert(records, mapped(records, Hints(dates="mdy")))
    assert settled.frame["ordered_at"].to_list() == [datetime(2025, 3, 4, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)]


def test_ambiguous_dates_in_later_rows_are_not_guessed() -> None:
    sample = orders(ordered_at=["2025-01-02"] * 3, net=["5"] * 3)
    later = orders(ordered_at=["03/04/2025", "13/04/2025"], net=["1,234", "12,5"])
    result = plan(sample).apply(later)
    assert result.reasons.to_list() == [["ordered_at|date", "net|number"], None]


def test_a_mapped_date_format_is_tried_first_and_its_order_applies_to_other_dates() -> None:
    records = orders(ordered_at=["02.01.2025 10:00", "02.01.2025", "x"])
    result = convert(records, mapped(records, Hints(dates="%d.%m.%Y %H:%M")))
    assert result.frame["ordered_at"].to_list() == [
        datetime(2025, 1, 2, 10, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC), None
    ]  # fmt: skip
    assert result.reasons.to_list() == [None, None, ["ordered_at|date"]]


@pytest.mark.parametrize("dates", ["dym", "%Q"])
def test_an_invalid_date_format_is_refused(dates: str) -> None:
    records = orders(net=["1"])
    with pytest.raises(UsageError, match="date"):
        plan(records, mapped(records, Hints(dates=dates)))


def test_timestamps_without_a_zone_are_in_the_zone_of_the_mapping() -> None:
    records = orders(ordered_at=["2025-01-02 00:30:00", "2025-03-30 02:30:00", "2025-01-02T00:30:00Z"])
    mapping = propose_mapping(records.columns, "transactions").mapping
    berlin = convert(records, mapping, default_zone="Europe/Berlin")
    assert berlin.frame["ordered_at"].to_list() == [
        datetime(2025, 1, 1, 23, 30, tzinfo=UTC),
        datetime(2025, 3, 30, 1, 30, tzinfo=UTC),
        datetime(2025, 1, 2, 0, 30, tzinfo=UTC),
    ]


def test_a_day_is_the_day_as_written_whatever_its_zone() -> None:
    records = orders(delivered_on=["2025-01-02T23:30:00+02:00", "2025-01-02T00:30:00-05:00"])
    result = convert(records, default_zone="Asia/Bangkok")
    assert result.frame["delivered_on"].to_list() == [date(2025, 1, 2)] * 2


def test_thai_and_excel_dates_are_parsed_with_a_remark() -> None:
    thai = plan(orders(ordered_at=["29/02/2567", "01/03/2567"]))
    assert any("Buddhist" in remark for remark in thai.remarks)
    excel = plan(orders(ordered_at=["45659", "45660.5"]))
    assert excel.date_format == "excel serial"
    assert any("Excel" in remark for remark in excel.remarks)


def test_persian_years_are_refused_without_a_hint() -> None:
    records = orders(ordered_at=["۱۴۰۳/۰۱/۰۱"])
    with pytest.raises(AmbiguousError) as caught:
        plan(records)
    assert "--dates jalali" in str(caught.value.hint)
    result = convert(records, mapped(records, Hints(dates="jalali")))
    assert result.frame["ordered_at"].item() == datetime(2024, 3, 20, tzinfo=UTC)


def test_missing_net_type_and_currency_are_computed_or_assumed() -> None:
    records = pl.DataFrame(
        {"Invoice": ["1", "C2"], "InvoiceDate": ["2025-01-02"] * 2, "Quantity": ["2", "-1"], "Price": ["1.5", "4"]}
    )
    result = convert(records, default_currency="GBP", mapping=None)
    assert result.frame["net"].to_list() == [3.0, -4.0]
    assert result.frame["type"].to_list() == ["sale", "return"]
    assert result.frame["unit_price"].to_list() == [1.5, 4.0]


def test_a_mapping_without_currency_uses_that_of_the_workspace_with_a_remark() -> None:
    records = orders(net=["1"])
    mapping = Mapping("shop", "transactions", columns={n: FromColumn(n) for n in ("order_id", "ordered_at", "net")})
    conversion = plan(records, mapping, default_currency="THB")
    assert conversion.apply(records).frame["currency"].item() == "THB"
    assert any("THB" in remark for remark in conversion.remarks)


def test_whole_numbers_of_typed_columns_become_text_without_decimals() -> None:
    records = pl.DataFrame(
        {
            "Invoice": [489434, 489435], "Customer ID": [13085.0, None], "Quantity": [12, -1], "Price": [6.95, 1.0],
            "InvoiceDate": [datetime(2009, 12, 1, 7, 45), datetime(2009, 12, 2)], "Country": ["UK", None],
            "weight": pl.Series([1, 2], dtype=pl.UInt16),
        }
    )  # fmt: skip
    result = convert(records)
    assert result.frame["order_id"].to_list() == ["489434", "489435"]
    assert result.frame["customer_id"].to_list() == ["13085", None]
    assert result.frame["ordered_at"][0] == datetime(2009, 12, 1, 7, 45, tzinfo=UTC)
    assert result.frame["net"].to_list() == [pytest.approx(83.4), -1.0]
    assert result.frame["weight"].dtype == pl.Int64
    assert result.reasons.null_count() == 2


def test_infinite_numbers_give_a_reason_and_nan_is_missing() -> None:
    records = orders(order_id=["1", "2", "3"]).with_columns(net=pl.Series([1.0, float("inf"), float("nan")]))
    result = convert(records)
    assert result.frame["net"].to_list() == [1.0, None, None]
    assert result.reasons.to_list() == [None, ["net|number"], None]


def test_nested_columns_are_kept_as_extra_columns_and_cannot_be_mapped() -> None:
    records = orders(net=["1"]).with_columns(items=pl.Series([["a", "b"]]))
    assert convert(records).frame["items"].to_list() == [["a", "b"]]
    with pytest.raises(UsageError, match="'items' contains lists"):
        plan(records, mapped(records, channel=FromColumn("items")))


def test_values_of_the_schema_are_translated_from_other_languages() -> None:
    words = ["Verkauf", "RETOURE", " Storno ", "退货", "退貨", "คืนสินค้า", "مرجوعی", "sale", "Tausch", None]
    expected = ["sale", "return", "cancel", "return", "return", "return", "return", "sale", "Tausch", None]
    assert convert(orders(type=words)).frame["type"].to_list() == expected


def test_translations_of_the_mapping_take_precedence() -> None:
    records = orders(type=["Retoure", "umtausch"], channel=["Laden", "web"], note=["ja", "nein"])
    mapping = Mapping(
        "shop", "transactions",
        columns={name: FromColumn(name) for name in (*PLAIN, "channel")},
        translate={"type": {"retoure": "cancel", "Umtausch": "return"}, "channel": {"Laden": "till"},
        "note": {"Ja": "yes"}},
    )  # fmt: skip
    frame = convert(records, mapping).frame
    assert frame["type"].to_list() == ["cancel", "return"]
    assert frame["channel"].to_list() == ["till", "web"]
    assert frame["note"].to_list() == ["yes", "nein"]


def test_words_can_be_translated_to_numbers() -> None:
    records = pl.DataFrame({"interaction_id": ["1", "2"], "at": ["2025-01-02"] * 2, "rating": ["sehr gut", "4"]})
    mapping = Mapping(
        "survey", "interactions", columns={name: FromColumn(name) for name in records.columns},
        translate={"rating": {"Sehr gut": "5"}},
    )  # fmt: skip
    assert convert(records, mapping).frame["rating"].to_list() == [5.0, 4.0]


def test_currency_signs_and_names_become_codes() -> None:
    assert convert(orders(currency=["€", "eur", "บาท", "Euro", "$"])).frame["currency"].to_list() == [
        "EUR", "EUR", "THB", "EUR", "$"
    ]  # fmt: skip


def test_rules_name_the_rows_that_violate_them_and_null_passes() -> None:
    records = orders(customer_id=["TEST", "C1", None], net=["5", "5000", "5"])
    mapping = Mapping(
        "shop", "transactions", columns={name: FromColumn(name) for name in PLAIN},
        rules=(RowRule("no_test", "customer_id <> 'TEST'"), RowRule("small", "net < 1000", "flag")),
    )  # fmt: skip
    result = convert(records, mapping)
    assert result.reasons.to_list() == [["row|no_test"], None, None]
    assert result.flags.to_list() == [None, ["small"], None]


def test_expressions_use_typed_targets_before_source_columns_of_the_same_name() -> None:
    records = orders(net=["200", "x"], Datum=["02.01.2025", "13.01.2025"], Zeit=["10:30", "11:00"], quantity=["2", "3"])
    mapping = mapped(
        records,
        ordered_at=Expression("Datum || ' ' || Zeit"),
        net=Expression("CAST(net AS DOUBLE) / 100"),
        discount=Expression("net * 2"),
        quantity=FromColumn("quantity"),
        label=Expression("quantity + 1"),
    )
    frame = convert(records, mapping).frame
    assert frame["ordered_at"].to_list() == [
        datetime(2025, 1, 2, 10, 30, tzinfo=UTC),
        datetime(2025, 1, 13, 11, tzinfo=UTC),
    ]
    assert frame["net"].to_list() == [2.0, None]
    assert frame["discount"].to_list() == [4.0, None]
    assert frame["label"].to_list() == ["3", "4"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"net": Expression("quantitty * 2")}, "unknown column 'quantitty'"),
        ({"net": Expression("cost * 2"), "cost": Expression("net * 2")}, "circular expressions"),
        ({"net": FromColumn("nett")}, "unknown column 'nett'"),
        ({"net": Constant("many")}, "the value of 'net' is not a valid number"),
        ({"net": Expression("abs(customer_id || 'x')")}, "net: the expression failed"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(rules: dict[str, ColumnRule], message: str) -> None:
    records = orders(net=["1"])
    with pytest.raises(UsageError, match=message):
        plan(records, mapped(records, **rules))


@pytest.mark.parametrize("sql", ["net + 1", "nett > 1", "upper(net) = 'A'"])
def test_a_rule_that_is_not_boolean_is_refused(sql: str) -> None:
    records = orders(net=["1"])
    mapping = Mapping("shop", "transactions", columns={n: FromColumn(n) for n in PLAIN}, rules=(RowRule("r", sql),))
    with pytest.raises(UsageError, match="rule r"):
        plan(records, mapping)


def test_a_mapping_without_a_required_column_is_refused() -> None:
    records = orders(net=["1"])
    with pytest.raises(UsageError, match="no column for ordered_at, net"):
        plan(records, Mapping("shop", "transactions", columns={"order_id": FromColumn("order_id")}))


def test_dropping_an_unknown_column_is_refused() -> None:
    records = orders(Notiz=["1"])
    mapping = Mapping("shop", "transactions", columns={n: FromColumn(n) for n in PLAIN}, drop=("Notitz",))
    with pytest.raises(UnknownNameError, match="drop"):
        plan(records, mapping)


def test_an_extra_column_without_a_name_gets_one() -> None:
    assert convert(orders(**{"": ["x"]})).frame["unnamed"].to_list() == ["x"]


def test_extras_never_clash_with_columns_of_the_store() -> None:
    records = orders(source=["a"], Load_ID=["b"], Channel=["c"], x=["d"], X=["e"], dropped=["f"])
    mapping = Mapping("shop", "transactions", columns={n: FromColumn(n) for n in PLAIN}, drop=("dropped",))
    names = convert(records, mapping).frame.columns
    assert names[-5:] == ["source_", "Load_ID_", "Channel_", "x", "X_"]
    assert len({name.casefold() for name in (*names, *RESERVED_COLUMNS)}) == len(names) + len(RESERVED_COLUMNS)


@pytest.mark.slow
@settings(max_examples=examples(20))
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                name: st.none() | st.text(max_size=8) | st.sampled_from(["1,5", "2025-01-02", "-3", "n/a"])
                for name in PLAIN
            }
        ),
        max_size=6,
    )
)
def test_no_row_is_lost_and_every_value_is_read_null_or_a_reason(rows: list[dict[str, str | None]]) -> None:
    records = pl.DataFrame(rows, schema=dict.fromkeys(PLAIN, pl.String))
    conversion = plan(records, mapped(records, Hints(decimal=".", dates="dmy")))
    result = conversion.apply(records)
    assert result.frame.height == len(result.reasons) == len(result.flags) == records.height
    # The size of batches does not change the rows.
    pieces = [conversion.apply(piece) for piece in records.iter_slices(1)]
    if pieces:
        assert pl.concat([piece.frame for piece in pieces]).equals(result.frame)
        assert pl.concat([piece.reasons for piece in pieces]).to_list() == result.reasons.to_list()


def test_a_computed_date_in_an_unusual_layout_is_read_in_every_row() -> None:
    records = orders(Datum=["2. Januar 2025", "3. März 2025"])
    frame = convert(records, mapped(records, ordered_at=Expression("Datum || ' 10:30'"))).frame
    assert frame["ordered_at"].to_list() == [
        datetime(2025, 1, 2, 10, 30, tzinfo=UTC),
        datetime(2025, 3, 3, 10, 30, tzinfo=UTC),
    ]


def test_one_source_column_may_fill_several_targets() -> None:
    records = orders(net=["5"])
    frame = convert(records, mapped(records, invoice_id=FromColumn("order_id"))).frame
    assert frame["invoice_id"].to_list() == frame["order_id"].to_list() == ["1"]


def test_amounts_in_another_currency_than_the_assumed_one_are_refused() -> None:
    records = pl.DataFrame({"order_id": ["1"], "date": ["2025-01-02"], "total": ["$ 9.99"]})
    with pytest.raises(UsageError) as refused:
        plan(records, default_currency="EUR")
    assert "--currency CODE" in (refused.value.hint or "")
    assert "USD" in (refused.value.hint or "")
    mapping = propose_mapping(records.columns, "transactions", default_currency="USD").mapping
    assert plan(records, mapping).apply(records).frame["net"].to_list() == [9.99]


@pytest.mark.parametrize("other", ["$ 9.99", "9.99 GBP", "￥100", "US$ 3"])
@pytest.mark.parametrize("target", ["net", "discount", "cost"])
def test_a_second_currency_is_refused_however_late_it_comes(other: str, target: str) -> None:
    rules = {"order_id": FromColumn("order_id"), "ordered_at": FromColumn("ordered_at"), "net": FromColumn("net")}
    first, late = orders(net=["9.99 EUR"], cost=["1 €"]), orders(**{"net": ["1"], target: [other]})
    mapping = Mapping(name="shop", table="transactions", columns=rules | {target: FromColumn(target)})
    first = first.select("order_id", "ordered_at", "net", *({target} - {"net"} if target == "cost" else ()))
    if target == "discount":
        first = first.with_columns(discount=pl.lit("1 €"))
    conversion = plan(first, mapping)
    assert conversion.apply(first).frame["net"].to_list() == [9.99]
    with pytest.raises(UsageError, match="several currencies"):
        conversion.apply(late.select(first.columns))


def test_different_signs_of_one_currency_are_accepted() -> None:
    records = orders(net=["€ 1", "2 EUR", "3 Euro", "4"]).drop("currency")
    assert convert(records).frame["net"].to_list() == [1, 2, 3, 4]
    dollars = orders(net=["$1", "US$2", "3 USD"]).drop("currency")
    mapping = propose_mapping(dollars.columns, "transactions", default_currency="USD").mapping
    assert convert(dollars, mapping).frame["net"].to_list() == [1, 2, 3]


def test_currency_signs_are_ignored_if_a_column_has_the_currency() -> None:
    assert convert(orders(net=["€1", "$2"], currency=["EUR", "USD"])).frame["net"].to_list() == [1, 2]


@pytest.mark.parametrize("percent", ["10%", "10 %", "12,5 %", "١٠٪", "10％"])
def test_a_percentage_is_an_invalid_amount(percent: str) -> None:
    conversion = plan(records := orders(discount=[percent, percent, None]))
    assert conversion.apply(records).frame["discount"].to_list() == [None] * 3
    assert any("percentages" in remark for remark in conversion.remarks)
    assert percent in conversion.apply(records).frame["discount_"].to_list()
    with pytest.raises(UsageError, match="percentages"):
        plan(orders(net=[percent]))
    single = convert(orders(discount=["1.00", "2.00", percent]))
    assert single.reasons.to_list() == [None, None, ["discount|number"]]


def test_ids_that_were_stored_as_numbers_are_kept_with_a_remark() -> None:
    records = orders(customer_id=["13085.0", None])
    conversion = plan(records)
    assert conversion.apply(records).frame["customer_id"].to_list() == ["13085.0", None]
    assert any("customer_id" in remark for remark in conversion.remarks)


@pytest.mark.parametrize("decimal", [None, ","])
def test_numeric_cells_have_a_decimal_point_whatever_texts_and_hints_say(decimal: str | None) -> None:
    records = orders(net=["1.125", "2.375"], discount=["12,50", "3,5"])
    mapping = propose_mapping(records.columns, "transactions", hints=Hints(decimal=decimal)).mapping
    frame = plan(records, mapping, numeric=("net",)).apply(records).frame
    assert frame["net"].to_list() == [1.125, 2.375]
    assert frame["discount"].to_list() == [12.5, 3.5]


@pytest.mark.parametrize("number", ["4.05E+12", "1,2E+15", "9e+21"])
@pytest.mark.parametrize("target", ["customer_id", "order_id"])
def test_ids_in_scientific_notation_give_a_remark(number: str, target: str) -> None:
    assert any("scientific notation" in remark for remark in plan(orders(**{target: ["A1", number]})).remarks)
    assert not any("scientific" in remark for remark in plan(orders(**{target: ["12E5X", "E+12"]})).remarks)


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "net": st.none() | st.text(alphabet="0123456789.,- €%()e", max_size=9),
                "ordered_at": st.none() | st.text(alphabet="0123456789/.-: TZapm年月", max_size=20),
            }
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_is_parsed_or_rejected_without_a_crash(rows: list[dict[str, str | None]]) -> None:
    records = orders(**{name: [row[name] for row in rows] for name in ("net", "ordered_at")})
    try:
        result = convert(records)
    except UsageError:  # an ambiguous amount, or percentages
        return
    assert result.frame.height == len(rows)


@pytest.mark.parametrize("name", ["*", "^.*$", " ", "a\nb", "列", 'x"y', "^order_id$"])
def test_any_column_name_is_taken_literally(name: str) -> None:
    records = orders(**{name: ["x"]})
    assert convert(records).frame[name].to_list() == ["x"]
    mapping = mapped(records, channel=FromColumn(name))
    assert convert(records, mapping).frame["channel"].to_list() == ["x"]


@pytest.mark.parametrize("dates", [None, "dmy", "%d/%m/%Y"])
def test_thai_years_are_detected_with_and_without_a_hint(dates: str | None) -> None:
    records = orders(ordered_at=["29/02/2567", "01/03/2567"])
    conversion = plan(records, mapped(records, Hints(dates=dates)))
    assert conversion.apply(records).frame["ordered_at"].to_list() == [
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
    ]
    assert any("Buddhist" in remark for remark in conversion.remarks)


def test_a_column_with_conflicting_evidence_is_parsed_value_by_value() -> None:
    records = orders(net=["1,5", "2.5"], cost=["1.25", "2.25"])
    assert convert(records).frame["net"].to_list() == [1.5, 2.5]


@pytest.mark.parametrize(("customers", "doubted"), [(60, True), (59, False)])
def test_a_table_of_customers_is_doubted(customers: int, doubted: bool) -> None:
    rows = [f"C{number % customers}" for number in range(60)]
    records = orders(customer_id=rows, net=["5"] * 60, order_id=[f"A{number}" for number in range(60)])
    assert any("table of customers" in remark for remark in plan(records).remarks) is doubted
