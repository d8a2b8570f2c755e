"""Columns are mapped by their names in every language, and never by similarity."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.errors import AmbiguousError, UnknownNameError, UsageError
from ckm.io.mapping.mapping import Constant, Expression, FromColumn
from ckm.io.mapping.proposal import Proposal, propose_mapping


def sources(proposal: Proposal) -> dict[str, str]:
    return {target: source for target, source, _ in proposal.matched}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
            {"order_id": "Invoice", "product_id": "StockCode", "quantity": "Quantity", "ordered_at": "InvoiceDate",
             "unit_price": "Price", "customer_id": "Customer ID"},
        ),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            {"order_id": "InvoiceNo", "product_id": "StockCode", "quantity": "Quantity", "ordered_at": "InvoiceDate",
             "unit_price": "UnitPrice", "customer_id": "CustomerID"},
        ),
        (
            "Bestellnummer,Bestelldatum,Kunden-Nr.,Artikelnummer,Artikel,Menge,Einzelpreis,Gesamtpreis,Währung",
            {"order_id": "Bestellnummer", "ordered_at": "Bestelldatum", "customer_id": "Kunden-Nr.",
            "quantity": "Menge",
             "product_id": "Artikelnummer", "unit_price": "Einzelpreis", "net": "Gesamtpreis", "currency": "Währung"},
        ),
        (
            "Auftragsnummer;Rechnungsnummer;Auftragsdatum;Rechnungsdatum;Kundennummer;Netto".replace(";", ","),
            {"order_id": "Auftragsnummer", "invoice_id": "Rechnungsnummer", "ordered_at": "Auftragsdatum",
             "customer_id": "Kundennummer", "net": "Netto"},
        ),
        (
            "Bestellnummer,Bestelldatum,Nettobetrag,Einstand,Zugesagt,Geliefert",
            {"order_id": "Bestellnummer", "ordered_at": "Bestelldatum", "net": "Nettobetrag", "cost": "Einstand",
             "promised_on": "Zugesagt", "delivered_on": "Geliefert"},
        ),
        (
            "订单编号,买家会员名,买家实际支付金额,宝贝总数量,订单创建时间,订单付款时间",
            {"order_id": "订单编号", "customer_id": "买家会员名", "net": "买家实际支付金额", "quantity": "宝贝总数量",
             "ordered_at": "订单创建时间"},
        ),
        (
            "订单号,下单时间,客户编号,商品编号,商品数量,京东价",
            {"order_id": "订单号", "ordered_at": "下单时间", "customer_id": "客户编号", "product_id": "商品编号",
             "quantity": "商品数量", "unit_price": "京东价"},
        ),
        (
            "訂單編號,訂單成立日期,買家帳號,商品名稱,數量,商品總價",
            {"order_id": "訂單編號", "ordered_at": "訂單成立日期", "customer_id": "買家帳號", "quantity": "數量",
             "net": "商品總價"},
        ),
        (
            "หมายเลขคำสั่งซื้อ,ชื่อผู้ใช้ (ผู้ซื้อ),วันที่ทำการสั่งซื้อ,จำนวน,ราคาขาย,ราคาขายสุทธิ",
            {"order_id": "หมายเลขคำสั่งซื้อ", "customer_id": "ชื่อผู้ใช้ (ผู้ซื้อ)", "ordered_at": "วันที่ทำการสั่งซื้อ",
             "quantity": "จำนวน", "unit_price": "ราคาขาย", "net": "ราคาขายสุทธิ"},
        ),
        (
            "เลขที่ใบสั่งซื้อ,รหัสลูกค้า,วันที่สั่งซื้อ,ยอดสุทธิ",
            {"order_id": "เลขที่ใบสั่งซื้อ", "customer_id": "รหัสลูกค้า", "ordered_at": "วันที่สั่งซื้อ", "net": "ยอดสุทธิ"},
        ),
        (
            "شماره سفارش,شماره مشتری,تاریخ سفارش,تعداد,قیمت واحد",
            {"order_id": "شماره سفارش", "customer_id": "شماره مشتری", "ordered_at": "تاریخ سفارش", "quantity": "تعداد",
             "unit_price": "قیمت واحد"},
        ),
    ],
)  # fmt: skip
def test_exports_of_known_programs_are_mapped_without_options(header: str, expected: dict[str, str]) -> None:
    proposal = propose_mapping(header.split(","), "transactions")
    assert sources(proposal) == expected


def test_customers_and_interactions_are_mapped_by_name() -> None:
    customers = propose_mapping(["Kundennummer", "Firma", "E-Mail", "Land", "Angelegt am"], "customers")
    assert sources(customers) == {
        "customer_id": "Kundennummer", "display_name": "Firma", "email": "E-Mail", "country": "Land",
        "created_on": "Angelegt am",
    }  # fmt: skip
    interactions = propose_mapping(["工单号", "客户编号", "创建时间", "类型", "内容", "评分"], "interactions")
    assert sources(interactions) == {
        "interaction_id": "工单号", "customer_id": "客户编号", "at": "创建时间", "kind": "类型", "text": "内容",
        "rating": "评分",
    }  # fmt: skip


def test_assumptions_for_missing_columns_are_remarked() -> None:
    proposal = propose_mapping(["order_id", "date", "quantity", "price"], "transactions", default_currency="THB")
    assert proposal.mapping.columns["net"] == Expression("quantity * unit_price")
    assert proposal.mapping.columns["currency"] == Constant("THB")
    assert isinstance(proposal.mapping.columns["type"], Expression)
    assert len(proposal.assumed) == 4


def test_a_column_with_the_name_of_the_target_takes_precedence() -> None:
    proposal = propose_mapping(["order_id", "Order No", "date", "net"], "transactions")
    assert sources(proposal)["order_id"] == "order_id"


def test_two_columns_that_match_a_target_are_refused_with_the_option_that_chooses() -> None:
    with pytest.raises(AmbiguousError, match="'Order No' and 'Bestellnr' both match order_id") as caught:
        propose_mapping(["Order No", "Bestellnr", "date", "net"], "transactions")
    assert caught.value.hint == "choose with --column order_id='Order No'"
    settled = propose_mapping(
        ["Order No", "Bestellnr", "date", "net"], "transactions", overrides={"order_id": "Bestellnr"}
    )
    assert settled.matched[0] == ("order_id", "Bestellnr", "option")


def test_without_an_order_number_the_order_id_is_customer_and_timestamp_with_a_remark() -> None:
    proposal = propose_mapping(
        ["customer_id", 'the "date"', "amount"], "transactions", overrides={"ordered_at": 'the "date"'}
    )
    assert proposal.mapping.columns["order_id"] == Expression(
        """COALESCE(CAST("customer_id" AS VARCHAR), '') || ' ' || COALESCE(CAST("the ""date\"\"" AS VARCHAR), '')"""
    )
    assert "no order number: lines of a customer with the same timestamp are one order" in proposal.assumed


@pytest.mark.parametrize("columns", [["date", "amount"], ["customer_id", "Oder No.", "date", "amount"]])
def test_no_order_id_is_derived_if_a_column_may_have_it_or_the_customer_is_missing(columns: list[str]) -> None:
    with pytest.raises(UsageError, match="no column for order_id"):
        propose_mapping(columns, "transactions")


DATES = ["2025-03-04", "2025-03-05", "2025-04-06"]


def test_an_order_number_is_not_required_if_customer_and_date_are_mapped() -> None:
    columns = {"client": ["C1", "C2", "C3"], "when": DATES, "shade": ["red", "blue", "green"], "spent": ["1.5"] * 3}
    with pytest.raises(UsageError, match=r"no column for ordered_at of transactions$") as caught:
        propose_mapping(list(columns), "transactions", sample=pl.DataFrame(columns))
    assert "Map with --column ordered_at='when'." in (caught.value.hint or "")
    proposal = propose_mapping(list(columns), "transactions", overrides={"ordered_at": "when"})
    assert proposal.mapping.columns["order_id"]


def test_a_date_column_of_another_meaning_is_not_suggested() -> None:
    columns = {"client": ["C1", "C2", "C3"], "signup date": DATES, "spent": ["1.5"] * 3}
    with pytest.raises(UsageError, match=r"no column for ordered_at of transactions$") as caught:
        propose_mapping(list(columns), "transactions", sample=pl.DataFrame(columns))
    assert "--column" not in (caught.value.hint or "")


def test_a_similar_name_is_suggested_as_customer_column() -> None:
    columns = ["\u0441ustomer_id", "d\u0430te", "\u0430mount"]
    with pytest.raises(UsageError, match=r"no column for customer_id, ordered_at, net of transactions$") as caught:
        propose_mapping(columns, "transactions")
    assert f"different alphabets that look alike occur in {', '.join(map(repr, columns))}." in (caught.value.hint or "")
    for target, column in zip(("customer_id", "ordered_at", "net"), columns, strict=True):
        assert f"--column {target}='{column}'" in (caught.value.hint or "")


@pytest.mark.parametrize(("records", "suggested"), [(1, False), (2, True)])
def test_fields_of_a_record_list_are_not_suggested_as_columns(records: int, suggested: bool) -> None:
    fields = {"client": "C1", "date": "2025-03-04", "spent": "1.5"}
    columns = {f"data.o{n}.{name}": [value] * records for n in range(3) for name, value in fields.items()}
    with pytest.raises(UsageError) as caught:
        propose_mapping(list(columns), "transactions", sample=pl.DataFrame(columns))
    assert ("--column" in (caught.value.hint or "")) == suggested


def test_the_customer_column_is_suggested_even_if_the_order_number_is_mapped() -> None:
    with pytest.raises(UsageError, match=r"no column for net of transactions$") as caught:
        propose_mapping(["order_id", "\u0441ustomer_id", "date", "\u0430mount", "Сумма USD"], "transactions")
    assert "--column net='\u0430mount' --column customer_id='\u0441ustomer_id'" in (caught.value.hint or "")
    assert "Сумма" not in (caught.value.hint or "")


def test_similar_columns_are_suggested_and_never_mapped() -> None:
    with pytest.raises(UsageError, match="no column for order_id, net of transactions") as caught:
        propose_mapping(["Oder No.", "date", "Net amont", "colour"], "transactions")
    assert "order_id: 'Oder No.'" in str(caught.value.hint)
    assert "net: 'Net amont'" in str(caught.value.hint)
    assert "--column order_id='Oder No.'" in str(caught.value.hint)
    assert "A mapping can compute" in str(caught.value.hint)


def test_a_file_without_columns_is_refused_as_empty() -> None:
    with pytest.raises(UsageError) as caught:
        propose_mapping([], "transactions")
    assert caught.value.hint == "the file is empty"


@pytest.mark.parametrize(
    "overrides", [{"order": "Order No"}, {"order_id": "Order Nr"}], ids=["unknown target", "unknown source"]
)
def test_an_unknown_override_suggests_a_similar_column(overrides: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError, match="--column"):
        propose_mapping(["Order No", "date", "net"], "transactions", overrides=overrides)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown table 'orders'"):
        propose_mapping(["a"], "orders")


def test_a_column_is_matched_to_one_target_only() -> None:
    proposal = propose_mapping(["Invoice", "InvoiceDate", "Amount"], "transactions")
    assert sorted(sources(proposal).values()) == ["Amount", "Invoice", "InvoiceDate"]
    assert "invoice_id" not in proposal.mapping.columns


def test_every_matched_column_is_in_the_mapping() -> None:
    proposal = propose_mapping(["Invoice", "Quantity", "InvoiceDate", "Price", "Customer ID"], "transactions")
    assert {t: FromColumn(s) for t, s, _ in proposal.matched}.items() <= proposal.mapping.columns.items()


def test_a_shop_number_takes_precedence_over_a_barcode_and_a_date_over_a_time() -> None:
    header = ["order_id", "Order Date", "Order Time", "SKU", "EAN", "net"]
    assert sources(propose_mapping(header, "transactions")) == {
        "order_id": "order_id", "ordered_at": "Order Date", "product_id": "SKU", "net": "net",
    }  # fmt: skip


@pytest.mark.parametrize("table", ["transactions", "interactions"])
@pytest.mark.parametrize("near", ["\u0441ustomer_id", "customer_\u0456d", "custmer_id"])
def test_a_missing_customer_column_gives_a_remark_with_the_most_similar_column(table: str, near: str) -> None:
    columns = ["order_id", "interaction_id", "date", "net", near]
    assert any(repr(near) in sentence for sentence in propose_mapping(columns, table).assumed)
    columns[-1] = "customer_id"
    assert not any("customer" in sentence for sentence in propose_mapping(columns, table).assumed)


def test_columns_with_duplicate_names_are_refused_until_one_is_chosen() -> None:
    columns, repeated = ["order_id", "date", "net", "net_2"], [("net", "net_2")]
    with pytest.raises(AmbiguousError) as refused:
        propose_mapping(columns, "transactions", repeated=repeated)
    assert "--column net='net'" in (refused.value.hint or "")
    for choice in ("net", "net_2"):
        chosen = propose_mapping(columns, "transactions", repeated=repeated, overrides={"net": choice})
        assert chosen.mapping.columns["net"] == FromColumn(choice)
    assert propose_mapping(columns, "transactions").mapping.columns["net"] == FromColumn("net")
    assert propose_mapping([*columns, "x", "x_2"], "transactions", repeated=[("x", "x_2")]).matched


@pytest.mark.parametrize(
    "header",
    [
        "Customer Reference ID,Date Purchase,Purchase Amount", "CustomerID,TransactionDate,TransactionAmount",
        "cust_id,txn_date,txn_amount", "client_id,sale_date,sale_amount", "user_id,purchase_date,amount_spent",
        "CUSTOMER_ID,TRX_DATE,TRX_AMT", "household_key,day_date,SALES_VALUE", "CardID,Date,Value",
        "customer_unique_id,order_purchase_timestamp,payment_value", "member_id,trans_date,tran_amount",
        "customer_no,invoice_date,Total Sale", "account_id,date,mrr", "user_id,event_time,gmv",
        "Buyer ID,Sold On,Item Total",
        "Kunden-Nr,Kaufdatum,Kaufbetrag", "Besteller-ID,Bestelltag,Umsatzwert", "ลูกค้า,วันที่,ยอดซื้อ",
        "ไอดีผู้ซื้อ,วันที่สั่ง,มูลค่าสั่งซื้อ", "شناسه مشتری,تاریخ خرید,مبلغ خرید", "会员ID,消费日期,消费金额",
        "會員編號,消費日期,消費金額",
        "id_client,date_achat,montant_ttc", "codigo_cliente,fecha_venta,total_venta",
    ],
)  # fmt: skip
def test_names_of_two_known_words_are_matched_in_either_order(header: str) -> None:
    columns = header.split(",")
    matched = {target: source for target, source, _ in propose_mapping(columns, "transactions").matched}
    assert [matched.get(target) for target in ("customer_id", "ordered_at", "net")] == columns


def test_a_price_without_quantities_is_the_amount_of_the_row() -> None:
    proposal = propose_mapping(["user_id", "event_time", "price"], "transactions")
    assert proposal.mapping.columns["net"] == Expression("unit_price")
    assert any("each row is one unit" in remark for remark in proposal.assumed)


def lines_with_discounts(discounts: list[str], **more: list[str]) -> pl.DataFrame:
    count = len(discounts)
    columns = {"customer_id": ["C1"] * count, "order_date": ["2024-01-01"] * count, "quantity": ["2"] * count}
    return pl.DataFrame({**columns, "unit_price": ["10"] * count, "Discount": discounts, **more})


@pytest.mark.parametrize("shares", [["0", "0.2", "0.15", "1"], ["0", "0,2", "0,15", "0"]])
def test_discounts_that_are_shares_of_the_price_reduce_the_amount(shares: list[str]) -> None:
    proposal = propose_mapping((records := lines_with_discounts(shares)).columns, "transactions", sample=records)
    assert isinstance(proposal.mapping.columns["net"], Expression)
    assert "1 - COALESCE" in proposal.mapping.columns["net"].sql
    assert any("shares of the price" in remark for remark in proposal.assumed)


def test_shares_beside_an_amount_are_no_discounts() -> None:
    records = lines_with_discounts(["0", "0.2"], net=["20", "16"])
    proposal = propose_mapping(records.columns, "transactions", sample=records)
    assert "discount" not in proposal.mapping.columns


@pytest.mark.parametrize("amounts", [["0", "2.5"], ["0", "1"], ["0", "0"]])
def test_discounts_that_are_amounts_are_kept(amounts: list[str]) -> None:
    records = lines_with_discounts(amounts)
    assert sources(propose_mapping(records.columns, "transactions", sample=records))["discount"] == "Discount"
