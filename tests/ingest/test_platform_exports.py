"""Small exports in the layout of each system give the rows of their lines."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.store import Store
from tests.ingest.workspace import Desk

PAYPAL = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address,Transaction ID"
PAYPAL += ",Reference Txn ID,Balance Impact"
GERMAN = "Datum,Uhrzeit,Zeitzone,Name,Typ,Status,Währung,Brutto,Gebühr,Netto,Absender E-Mail-Adresse,"
GERMAN += "Empfänger E-Mail-Adresse,Transaktionscode,Zugehöriger Transaktionscode,Auswirkung auf Guthaben"
SHOP = "shop@example.com"


def stored(desk: Desk, table: str = "transactions") -> pl.DataFrame:
    return Store(desk.root / "store").scan(table).collect()


def test_paypal_counts_payments_and_refunds_but_no_transfers_and_own_payments(desk: Desk) -> None:
    lines = [
        "11/03/2024,10:00:00,PST,Ann,Express Checkout Payment,"
        f"Completed,USD,100.00,-3.20,96.80,Ann@x.org,{SHOP},T1,,Credit",
        "11/03/2024,11:00:00,PST,Bob,Website Payment,"
        f"Partially Refunded,USD,50.00,-1.75,48.25,bob@x.org,{SHOP},T2,,Credit",
        f"11/13/2024,12:00:00,PST,Bob,Payment Refund,Completed,USD,-20.00,0.00,-20.00,{SHOP},Bob@x.org,T3,T2,Debit",
        f"11/14/2024,12:00:00,PST,Cy,Website Payment,Pending,USD,30.00,0.00,30.00,cy@x.org,{SHOP},T4,,Memo",
        f"11/15/2024,12:00:00,PST,Di,Website Payment,Denied,USD,40.00,0.00,40.00,di@x.org,{SHOP},T5,,Credit",
        f"11/16/2024,12:00:00,PST,,General Withdrawal,Completed,USD,-90.00,0.00,-90.00,{SHOP},,T6,,Debit",
        "11/17/2024,12:00:00,PST,Supply Co,"
        f"General Payment,Completed,USD,-15.00,0.00,-15.00,{SHOP},sup@x.org,T7,,Debit",
    ]
    result = desk.one(desk.orders("activity.csv", *lines, header=PAYPAL))
    assert result["quarantined"] == 0
    rows = stored(desk).sort("line_no")
    assert rows.select("order_id", "line_no", "customer_id", "net", "type").rows() == [
        ("T1", "T1", "ann@x.org", 100.0, "sale"),
        ("T2", "T2", "bob@x.org", 50.0, "sale"),
        ("T2", "T3", "bob@x.org", -20.0, "return"),
        ("T5", "T5", "di@x.org", 40.0, "cancel"),
    ]
    assert str(rows["ordered_at"][0]) == "2024-11-03 18:00:00+00:00"
    assert "2 orders: gross 150.00 - discounts 0.00 - returns 20.00 = net sales 130.00 USD" in result["remarks"]


def test_paypal_without_balance_impact_distinguishes_refunds_and_own_payments_by_sign_and_type(desk: Desk) -> None:
    header = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address"
    lines = [
        f"11/13/2024,10:00:00,PST,Ann,Website Payment,Completed,USD,100.00,0.00,100.00,a@x.org,{SHOP},T1",
        f"11/14/2024,12:00:00,PST,Ann,Payment Refund,Completed,USD,-20.00,0.00,-20.00,{SHOP},a@x.org,T2",
        "11/15/2024,12:00:00,PST,Supply Co,PreApproved Payment Bill User Payment,Completed,USD,-15.00,0.00,-15.00,"
        f"{SHOP},sup@x.org,T3",
        f"11/16/2024,12:00:00,PST,Supply Co,Payment Refund,Completed,USD,7.00,0.00,7.00,sup@x.org,{SHOP},T4",
    ]
    result = desk.one(desk.orders("activity.csv", *lines, header=f"{header},Transaction ID"))
    assert stored(desk).sort("line_no").select("order_id", "customer_id", "net", "type").rows() == [
        ("T1", "a@x.org", 100.0, "sale"),
        ("T2", "a@x.org", -20.0, "return"),
    ]
    assert any(
        "including 1 outgoing payment that no status marks as a refund" in remark for remark in result["remarks"]
    )


def test_square_reads_times_in_the_zone_that_its_column_names(desk: Desk) -> None:
    header = "Date,Time,Time Zone,Item,Qty,Price Point Name,Modifiers Applied,Gross Sales,Discounts,Net Sales,"
    header += "Transaction ID,Payment ID,Event Type,Dining Option,Customer ID"
    zone = "Eastern Time (US & Canada)"
    line = f"2025-03-01,22:00:00,{zone},Tea,1,,,$10.00,$0.00,$10.00,T1,P1,Payment,,C1"
    desk.one(desk.orders("items.csv", line, header=header), "--currency", "USD")
    assert str(stored(desk)["ordered_at"][0]) == "2025-03-02 03:00:00+00:00"


def test_a_column_of_time_zones_is_recognised_by_its_name_in_any_file(desk: Desk) -> None:
    lines = ["1,a,2025-03-01 22:00,Romance Standard Time,5.00", "2,b,2025-03-01 22:00,Tokyo Standard Time,5.00"]
    path = desk.orders("web.csv", *lines, header="order_id,customer_id,ordered_at,Time Zone,net")
    result = desk.one(path, "--as", "transactions")
    assert [str(at)[:16] for at in stored(desk).sort("order_id")["ordered_at"]] == [
        "2025-03-01 21:00",
        "2025-03-01 13:00",
    ]
    assert any("Europe/Paris and Asia/Tokyo, given by column 'Time Zone'" in each for each in result["remarks"])


def test_paypal_in_german_with_decimal_commas_and_a_named_zone(desk: Desk) -> None:
    path = desk.orders(
        "aktivitaet.csv",
        "13.03.2024,10:00:00,Europe/Berlin,Ann,"
        f'Website Payment,Abgeschlossen,EUR,"1.100,00","-3,20","1.096,80",a@x.org,{SHOP},T1,,Gutschrift',
        "15.07.2024,10:00:00,Europe/Berlin,Ann,"
        f'Rückzahlung,Abgeschlossen,EUR,"-100,00","0,00","-100,00",{SHOP},a@x.org,T2,T1,Soll',
        header=GERMAN,
    )
    result = desk.one(path)
    assert "1 order: gross 1,100.00 - discounts 0.00 - returns 100.00 = net sales 1,000.00 EUR" in result["remarks"]
    assert [str(at) for at in stored(desk).sort("line_no")["ordered_at"]] == [
        "2024-03-13 09:00:00+00:00",
        "2024-07-15 08:00:00+00:00",
    ]


def test_amazon_counts_the_price_of_all_units_of_a_line_and_no_cancelled_line(desk: Desk) -> None:
    header = "amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\tfulfillment-channel"
    header += "\tsales-channel\tsku\tasin\titem-status\tquantity\tcurrency\titem-price\titem-promotion-discount"
    header += "\titem-tax\tshipping-price\tbuyer-email"
    stem = "\t\t2024-03-04T10:11:12+00:00\t2024-03-05T00:00:00+00:00\t"
    result = desk.one(
        desk.orders(
            "all-orders.txt",
            f"1-1{stem}Shipped\tAmazon\tAmazon.com\tMUG\tB1\tShipped\t2\tUSD\t20.00\t2.00\t1.60\t4.00\tA1@m.example",
            f"1-1{stem}Shipped\tAmazon\tAmazon.com\tPOT\tB2\tCancelled\t0\tUSD\t\t\t\t\tA1@m.example",
            f"1-2{stem}Cancelled\tAmazon\tAmazon.com\tPOT\tB2\tCancelled\t0\t\t\t\t\t\tA2@m.example",
            f"1-3{stem}Pending\tAmazon\tAmazon.com\tMUG\tB1\tUnshipped\t1\tUSD\t10.00\t0.00\t0.80\t0\tA3@m.example",
            header=header,
        ),
        "--currency",
        "USD",
        "--max-rejects",
        "50%",
    )
    rows = stored(desk).sort("order_id", "line_no")
    assert rows.filter(pl.col("type") == "sale").select(
        "order_id", "line_no", "net", "discount", "customer_id"
    ).rows() == [
        ("1-1", "MUG", 18.0, 2.0, "a1@m.example"),
        ("1-3", "MUG", 10.0, 0.0, "a3@m.example"),
    ]
    assert "2 orders: gross 30.00 - discounts 2.00 - returns 0.00 = net sales 28.00 USD" in result["remarks"]


def test_amazon_settlements_give_goods_refunds_and_promotions_without_fees(desk: Desk) -> None:
    header = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency"
    header += "\ttransaction-type\torder-id\tadjustment-id\tamount-type\tamount-description\tamount\tposted-date"
    header += "\tposted-date-time\torder-item-code\tsku\tquantity-purchased"
    dates = "2024-04-02\t2024-04-02 09:00:00 UTC"
    result = desk.one(
        desk.orders(
            "settlement.txt",
            "77\t2024-04-01 00:00:00 UTC\t2024-04-14 00:00:00 UTC\t2024-04-16 00:00:00 UTC\t33.10\tEUR" + "\t" * 11,
            f"77\t\t\t\t\t\tOrder\t1-1\t\tItemPrice\tPrincipal\t40.00\t{dates}\t9001\tPOT\t1",
            f"77\t\t\t\t\t\tOrder\t1-1\t\tItemPrice\tTax\t7.60\t{dates}\t9001\tPOT\t",
            f"77\t\t\t\t\t\tOrder\t1-1\t\tItemFees\tCommission\t-6.00\t{dates}\t9001\tPOT\t",
            f"77\t\t\t\t\t\tRefund\t1-0\tA1\tItemPrice\tPrincipal\t-15.00\t{dates}\t9000\tMUG\t",
            f"77\t\t\t\t\t\tRefund\t1-0\tA1\tPromotion\tPrincipal\t2.00\t{dates}\t9000\tMUG\t",
            f"77\t\t\t\t\t\tother-transaction\t\t\tother-transaction\tSubscription Fee\t-39.00\t{dates}\t\t\t",
            header=header,
        )
    )
    assert result["quarantined"] == 0
    rows = stored(desk).sort("order_id")
    rows = rows.sort("order_id", "net")
    assert rows.select("order_id", "net", "type", "currency").rows() == [
        ("1-0", -15.0, "return", "EUR"),
        ("1-0", 2.0, "return", "EUR"),  # the refund reverses the promotion
        ("1-1", 40.0, "sale", "EUR"),
    ]


@pytest.mark.parametrize("version", ["Default Address ", ""])
def test_shopify_customers_have_the_id_of_their_orders(desk: Desk, version: str) -> None:
    place = f"{version}Company,{version}City,{version}Province Code,{version}Country Code,{version}Zip"
    header = f"First Name,Last Name,Email,Accepts Email Marketing,{place},Phone,Total Spent,Total Orders,Tax Exempt"
    desk.one(desk.orders("customers.csv", "Ann,Lee,Ann@X.org,yes,,Bonn,NW,DE,'53111,+49 1,100.00,3,no", header=header))
    row = stored(desk, "customers").row(0, named=True)
    assert (row["customer_id"], row["display_name"], row["country"], row["region"]) == (
        "ann@x.org",
        "Ann Lee",
        "DE",
        "NW",
    )


def test_zendesk_tickets_are_interactions(desk: Desk) -> None:
    header = "Id,Requester,Requester id,Requester email,Submitter,Assignee,Group,Subject,Status,Via,Ticket type,"
    header += "Created at,Solved at,Satisfaction Score"
    lines = [
        "11,Ann,501,Ann@x.org,Ann,Sam,Care,Broken cup,Solved,Email,Problem,2024-05-01 10:00,2024-05-02 12:00,Good",
        "12,Bob,502,,Bob,Sam,Care,Where is it,Open,Web form,Question,2024-05-03 10:00,,Offered",
    ]
    result = desk.one(desk.orders("tickets.csv", *lines, header=header))
    assert (result["table"], result["quarantined"]) == ("interactions", 0)
    rows = stored(desk, "interactions").sort("interaction_id")
    assert rows.select("interaction_id", "customer_id", "kind", "text", "channel").rows() == [
        ("11", "ann@x.org", "complaint", "Broken cup", "Email"),
        ("12", "502", "question", "Where is it", "Web form"),
    ]


@pytest.mark.parametrize(
    ("header", "stamp"),
    [
        ("Timestamp,Email Address,Comments", "2024/03/04 1:11:12 PM GMT+1"),
        ("Zeitstempel,Nutzername,Comments", "2024/03/04 13:11:12 MEZ"),
        ("Marca temporal,Dirección de correo electrónico,Comments", "2024/03/04 1:11:12 p. m. CET"),
    ],
)
def test_google_forms_are_surveys_in_any_language_of_the_form(desk: Desk, header: str, stamp: str) -> None:
    result = desk.one(desk.orders("form.csv", f"{stamp},Ann@x.org,Fine cups", header=header))
    assert result["table"] == "interactions"
    row = stored(desk, "interactions").row(0, named=True)
    assert (row["customer_id"], row["kind"], row["text"]) == ("ann@x.org", "survey", "Fine cups")
    assert str(row["at"]) == "2024-03-04 12:11:12+00:00"


def test_a_table_with_a_time_stamp_is_not_recognised_as_a_form(desk: Desk) -> None:
    path = desk.orders("log.csv", "04.03.2024 10:00,A1,5.00", header="Timestamp,order_id,net")
    refused = desk.call(path)
    assert refused.exit_code == 2
    assert "not a recognised export" in refused.stderr


def test_the_currency_of_the_caller_is_that_of_a_platforms_rows_without_one(desk: Desk) -> None:
    header = (
        "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsales-channel\tsku\titem-status\tquantity"
    )
    header += "\tcurrency\titem-price\titem-tax\tship-country\tbuyer-email"
    when = "2025-03-01T10:00:00+00:00\t2025-03-02T10:00:00+00:00"
    lines = [
        f"302-{number}\t{when}\tShipped\tAmazon.de\tCUP\tShipped\t1\t{code}\t5.00\t0.80\tDE\tx{number}@x.org"
        for number, code in enumerate(("EUR", "", "EUR"))
    ]
    result = desk.one(desk.orders("orders.txt", *lines, header=header), "--currency", "EUR")
    assert result["accepted"] == 3
    assert desk.table()["currency"].to_list() == ["EUR"] * 3
