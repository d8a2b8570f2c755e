"""Small exports in the layout of each platform, with invented people and orders, and their expected figures."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Export:
    """An export of transactions and its expected figures.

    Attributes
    ----------
    file
        Its name.
    content
        Its bytes.
    options
        Options that the export needs on the command line.
    orders, customers, net, returned
        Distinct orders with a sale, customers with a sale, net of sales and returns, and net of returns.
    """

    file: str
    content: bytes
    options: tuple[str, ...] = ()
    orders: int = 0
    customers: int = 0
    net: float = 0.0
    returned: float = 0.0


@dataclass(frozen=True)
class Listing:
    """An export of customers or interactions, and the expected values of some columns."""

    file: str
    content: bytes
    table: str
    rows: list[dict[str, object]]
    options: tuple[str, ...] = ()


def text(columns: str, *rows: dict[str, object], delimiter: str = ",") -> str:
    """Return a delimited text with ``columns`` (a header line); values that a row lacks are blank."""
    out = io.StringIO()
    names = next(csv.reader([columns]))
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


HEADERS = dict(
    line.split(": ", 1) for line in (Path(__file__).parent / "export_headers.txt").read_text("utf-8").splitlines()
)
"""Header of each export as the system writes it."""
EUR = ("--currency", "EUR")
USD = ("--currency", "USD")


def magento_orders() -> Export:
    columns = HEADERS["magento-orders"]
    point = "Main Website\n   Main Website Store\n      Default Store View"

    def order(
        number: str, day: str, mail: str, total: str, shipping: str, status: str, refunded: str
    ) -> dict[str, object]:
        return {
            "ID": number,
            "Purchase Point": point,
            "Purchase Date": f"2025-{day} 10:11:12",
            "Grand Total (Base)": total,
            "Grand Total (Purchased)": total,
            "Status": status,
            "Customer Email": mail,
            "Subtotal": "1.0000",
            "Shipping and Handling": shipping,
            "Total Refunded": refunded,
        }

    rows = [
        order("000000001", "03-01", "ann@example.org", "55.0000", "5.0000", "Complete", ""),  # 50
        order("000000002", "03-02", "Ann@example.org", "30.0000", "0.0000", "Processing", "10.0000"),  # 30, 10 back
        order("000000003", "03-03", "bob@example.org", "25.0000", "5.0000", "Closed", "25.0000"),  # 20, all back
        order("000000004", "03-04", "bob@example.org", "40.0000", "0.0000", "Pending", ""),  # 40
        order("000000005", "03-05", "eve@example.org", "99.0000", "0.0000", "Canceled", ""),
        order("000000006", "03-06", "eve@example.org", "99.0000", "0.0000", "Pending Payment", ""),
    ]
    return Export("export.csv", text(columns, *rows).encode(), EUR, orders=4, customers=2, net=110.0, returned=30.0)


def bigcommerce_orders() -> Export:
    columns = HEADERS["bigcommerce-orders"]

    def order(number: int, status: str, day: str, total: str, more: dict[str, object]) -> dict[str, object]:
        return {
            "Order ID": number,
            "Order Status": status,
            "Order Date": f"03/{day}/2025",
            "Order Time": "14:05:06",
            "Order Total (inc tax)": total,
            "Refund Amount": "0.00",
            "Order Currency Code": "USD",
            "Handling Cost (inc tax)": "0.00",
            "Product Details": "Product ID: 8, Product Qty: 1, Product SKU: MUG | Product ID: 9",
            **more,
        }

    ann, guest = (
        {"Customer Email": "ann@example.org", "Customer ID": 5},
        {"Customer Email": "guest@example.org", "Customer ID": 0},
    )
    rows = [
        order(
            101,
            "Completed",
            "13",
            "65.00",
            {**ann, "Shipping Cost (inc tax)": "5.00", "Handling Cost (inc tax)": "2.00"},
        ),  # 58
        order(102, "Partially Refunded", "14", "40.00", {**guest, "Refund Amount": "15.00"}),  # 40, 15 back
        order(103, "Refunded", "15", "22.00", {**ann, "Shipping Cost (inc tax)": "2.00"}),  # 20, all back
        order(104, "Cancelled", "16", "500.00", ann),
        order(105, "Declined", "17", "500.00", guest),
        order(106, "Awaiting Fulfillment", "18", "12.00", guest),  # 12
    ]
    return Export(
        "orders-2025-03-20.csv", text(columns, *rows).encode(), (), orders=4, customers=2, net=95.0, returned=35.0
    )


def _square(day: int, sale: str, who: str, net: str, **more: object) -> dict[str, object]:
    kind = "Refund" if net.startswith("-") else "Payment"
    return {
        "Date": f"2025-03-{day:02}",
        "Time": "12:59:30",
        "Time Zone": "Eastern Time (US & Canada)",
        "Gross Sales": net,
        "Discounts": "$0.00",
        "Net Sales": net,
        "Tax": "$0.62",
        "Transaction ID": sale,
        "Payment ID": f"P{day}{sale}",
        "Event Type": kind,
        "Customer ID": who,
        **more,
    }


def square_items() -> Export:
    rows = [
        _square(1, "T1", "CUST1", "$8.00", Item="Latte", Qty="1.0"),
        _square(1, "T1", "CUST1", "$27.00", Item="Mug", Qty="2.0"),  # T1: 35
        _square(2, "T2", "", "$1,004.00", Item="Machine", Qty="1.0"),  # a guest
        _square(3, "T3", "CUST2", "$6.00", Item="Latte", Qty="1.0"),
        _square(4, "T1", "CUST1", "-$13.50", Item="Mug", Qty="-1.0"),  # one mug back
    ]
    return Export(
        "items-2025.csv",
        text(HEADERS["square-items"], *rows).encode(),
        USD,
        orders=3,
        customers=2,
        net=1031.5,
        returned=13.5,
    )


def square_transactions() -> Export:
    rows = [
        _square(1, "T1", "CUST1", "$35.00", **{"Total Collected": "$38.24", "Tip": "$2.00", "Fees": "-$1.00"}),
        _square(2, "T2", "", "$1,004.00", **{"Total Collected": "$1,004.00"}),
        _square(3, "T3", "CUST2", "$6.00", **{"Total Collected": "$6.00"}),
        _square(4, "T1", "CUST1", "-$13.50", **{"Total Collected": "-$13.50"}),
        # Amounts that were paid back without items: beside a payment, and on a row of their own.
        _square(5, "T5", "CUST2", "$20.00", **{"Partial Refunds": "-$5.00"}),
        _square(6, "T3", "CUST2", "$0.00", **{"Partial Refunds": "-$1.50", "Event Type": "Refund"}),
    ]
    content = text(HEADERS["square-transactions"], *rows).encode()
    return Export("transactions-2025.csv", content, USD, orders=4, customers=2, net=1045.0, returned=20.0)


def ebay_orders() -> Export:
    def row(record: int, buyer: str, day: str, price: str, **more: object) -> dict[str, object]:
        return {
            "Sales Record Number": record,
            "Order Number": f"24-1493{record}-887" if buyer else "",
            "Buyer Username": buyer,
            "Sale Date": day,
            "Sold For": price,
            **more,
        }

    def item(number: int, label: str, quantity: int) -> dict[str, object]:
        return {"Item Number": number, "Custom Label": label, "Quantity": quantity, "Transaction ID": f"t{number}"}

    rows = [
        row(
            301,
            "ann_buys",
            "Mar-01-25",
            "$10.00",
            **item(11, "MUG", 2),
            **{"Paid On Date": "Mar-01-25", "Total Price": "$25.00"},
        ),
        # An order of two items: a row of the order, which has their sum, and one row per item.
        row(302, "bob_2", "Mar-04-25", "$45.00", **{"Paid On Date": "Mar-05-25", "Total Price": "$50.00"}),
        row(302, "", "", "$40.00", **item(12, "POT", 1)),
        row(302, "", "", "$5.00", **item(13, "CUP", 1)),
        row(303, "ann_buys", "Mar-15-25", "$1,200.00", **item(14, "BIG", 1), **{"Paid On Date": "Mar-16-25"}),
        row(304, "eve_never_pays", "Mar-17-25", "$77.00", **item(15, "POT", 1)),
    ]
    table = text(HEADERS["ebay-orders"], *rows)
    blank = "," * HEADERS["ebay-orders"].count(",")
    header, lines = table.split("\r\n", 1)
    footer = "4,record(s) downloaded, from Mar-01-25 to Mar-17-25\r\nSeller ID : the_shop\r\n"
    content = f"{blank}\r\n{header}\r\n{blank}\r\n{lines}\r\n{footer}"
    return Export(
        "eBay-OrdersReport.csv", content.encode(), (*USD, "--max-rejects", "50%"), orders=3, customers=2, net=1265.0
    )


def etsy_order_items() -> Export:
    columns = HEADERS["etsy-order-items"]

    def item(
        number: int, order: int, day: str, buyer: str, quantity: int, price: str, discount: str
    ) -> dict[str, object]:
        return {
            "Sale Date": day,
            "Item Name": "Fox | Card, large",
            "Buyer": buyer,
            "Quantity": quantity,
            "Price": price,
            "Discount Amount": discount,
            "Order Shipping": "4.50",
            "Order Sales Tax": "0.62",
            "Item Total": f"{quantity * float(price):.2f}",
            "Currency": "EUR",
            "Transaction ID": number,
            "Listing ID": 90,
            "Order ID": order,
        }

    ann, bob = "Ann Invented (ann_i)", "Bob Made Up (bob_m)"
    rows = [
        item(4001, 3001, "01/02/25", ann, 2, "5.00", "0.00"),
        item(4002, 3001, "01/02/25", ann, 1, "3.00", "0.00"),  # 3001: 13
        item(4003, 3002, "03/04/25", bob, 3, "12.00", "6.00"),  # 30
        item(4004, 3003, "03/14/25", ann, 1, "20.00", "0.00"),  # 20
    ]
    content = text(columns, *rows).encode()
    return Export("EtsySoldOrderItems2025.csv", content, (), orders=3, customers=2, net=63.0)


def etsy_orders() -> Export:
    columns = HEADERS["etsy-orders"]

    def order(
        number: int, day: str, buyer: str, value: str, discount: str, shipping: str, total: str
    ) -> dict[str, object]:
        return {
            "Sale Date": day,
            "Order ID": number,
            "Buyer User ID": buyer,
            "Number of Items": 2,
            "Currency": "EUR",
            "Order Value": value,
            "Discount Amount": discount,
            "Shipping Discount": "0.00",
            "Shipping": shipping,
            "Sales Tax": "0.00",
            "Order Total": total,
            "Card Processing Fees": "1.00",
            "Adjusted Order Total": "0.00",
        }

    rows = [
        order(3001, "01/02/25", "ann_i", "13.00", "0.00", "4.50", "17.50"),
        order(3002, "03/04/25", "bob_m", "36.00", "6.00", "4.50", "34.50"),
        order(3003, "03/14/25", "ann_i", "20.00", "0.00", "0.00", "20.00"),
    ]
    return Export("EtsySoldOrders2025.csv", text(columns, *rows).encode(), (), orders=3, customers=2, net=63.0)


def squarespace_orders() -> Export:
    """Three orders: of two lines, refunded in part, and with a discount; a fourth is voided."""
    columns = HEADERS["squarespace-orders"]

    def order(number: str, mail: str, status: str, day: str, total: str, **more: str) -> dict[str, object]:
        first = {
            "Order ID": number,
            "Email": mail,
            "Financial Status": status,
            "Currency": "USD",
            "Subtotal": "30.00",
            "Shipping": "5.00",
            "Taxes": "0.00",
            "Total": total,
            "Created at": f"2025-02-{day} 10:00:00 +0000",
            "Lineitem quantity": "2",
            "Lineitem name": "Mug",
            "Lineitem price": "15.00",
        }
        return first | {name.replace("_", " "): value for name, value in more.items()}

    rows: list[dict[str, object]] = [
        order("1", "a@example.com", "PAID", "03", "45.00"),
        {"Order ID": "1", "Lineitem quantity": "1", "Lineitem name": "Plate", "Lineitem price": "10.00"},
        order("2", "B@example.com", "PARTIALLY_REFUNDED", "04", "35.00", Amount_Refunded="15.00"),
        order("3", "b@example.com", "PAID", "05", "29.00", Discount_Amount="6.00"),
        order("4", "b@example.com", "VOIDED", "06", "35.00"),
    ]
    return Export("orders.csv", text(columns, *rows).encode(), orders=3, customers=2, net=79.0, returned=15.0)


def shopee_orders(
    columns: str = HEADERS["shopee-orders"], words: tuple[str, str] = ("Completed", "Cancelled")
) -> Export:
    done, cancelled = words
    names = next(csv.reader([HEADERS["shopee-orders"]]))
    here = dict(zip(names, next(csv.reader([columns])), strict=True))

    def line(
        order: str, status: str, buyer: str, price: str, quantity: int, back: int, total: str
    ) -> dict[str, object]:
        found = {
            "Order ID": order,
            "Order Status": status,
            "Order Creation Date": f"2025-03-0{order[-1]} 01:35",
            "SKU Reference No.": f"SKU{price}",
            "Original Price": "999.00",
            "Deal Price": price,
            "Quantity": quantity,
            "Returned quantity": back,
            "Product Subtotal": f"{float(price) * quantity:.2f}",
            "Grand Total": total,
            "Username (Buyer)": buyer,
        }
        return {here[name]: value for name, value in found.items()}

    rows = [
        line("2503010ABC1", done, "ann.s", "100.00", 2, 0, "250.00"),
        line("2503010ABC1", done, "ann.s", "50.00", 1, 1, "250.00"),  # 250, one for 50 back
        line("2503010ABC2", done, "bob.s", "80.50", 1, 0, "95.50"),
        line("2503010ABC3", cancelled, "eve.s", "700.00", 1, 0, "700.00"),
    ]
    content = text(columns, *rows).encode()
    return Export(
        "Order.all.csv",
        content,
        ("--currency", "PHP"),
        orders=2,
        customers=2,
        net=280.5,
        returned=50.0,
    )


def shopee_orders_in_thai() -> Export:
    columns = HEADERS["shopee-orders-th"]
    return shopee_orders(columns, ("สำเร็จแล้ว", "ยกเลิกแล้ว"))


def lazada_orders() -> Export:
    columns = HEADERS["lazada-orders"]

    def unit(item: int, order: int, status: str, price: str, discount: str, back: str = "") -> dict[str, object]:
        return {
            "orderItemId": item,
            "orderNumber": order,
            "lazadaId": f"L{item}",
            "sellerSku": "MUG",
            "createTime": f"2{order % 10} Feb 2025 23:30",
            "customerEmail": f"c{order % 2}@example.org",
            "unitPrice": price,
            "paidPrice": "1.00",
            "sellerDiscountTotal": discount,
            "status": status,
            "refundAmount": back,
        }

    rows = [
        unit(1, 771, "delivered", "100.00", "-10.00"),
        unit(2, 771, "delivered", "100.00", "-10.00"),  # 771: 180
        unit(3, 772, "returned", "50.00", "0.00", "50.00"),  # 50, all back
        unit(4, 773, "canceled", "900.00", "0.00"),
        unit(5, 774, "confirmed", "40.00", "-5.00"),  # 35
        unit(6, 774, "Package Returned", "20.00", "-5.00"),  # 15, all back
    ]
    content = text(columns, *rows).encode()
    return Export("lazada.csv", content, ("--currency", "MYR"), orders=3, customers=2, net=215.0, returned=65.0)


def taobao_orders() -> Export:
    columns = HEADERS["taobao-orders"]

    def order(number: int, buyer: str, paid: str, postage: str, status: str, back: str = "") -> dict[str, object]:
        return {
            "订单编号": f'="35153131473{number}"',
            "买家会员名": buyer,
            "买家应付货款": f"{float(paid) - float(postage):.2f}",
            "买家应付邮费": postage,
            "总金额": paid,
            "买家实际支付金额": paid,
            "订单状态": status,
            "订单创建时间": f"2025-03-0{number} 23:30:00",
            "宝贝标题 ": "马克杯",
            "宝贝总数量": 2,
            "退款金额": back,
        }

    rows = [
        order(1, "tb1", "210.00", "10.00", "交易成功"),  # 200
        order(2, "tb2", "88.00", "0.00", "卖家已发货，等待买家确认", "20.00"),  # 88, 20 back
        order(3, "tb1", "99.00", "0.00", "交易关闭"),
        order(4, "tb1", "15.00", "5.00", "买家已付款，等待卖家发货"),  # 10
    ]
    content = text(columns, *rows).encode("gb18030")
    return Export("ExportOrderList2025.csv", content, (), orders=3, customers=2, net=278.0, returned=20.0)


def salesforce_opportunities() -> Export:
    columns = HEADERS["salesforce-opportunities"]

    def deal(number: int, account: str, stage: str, amount: str, won: str, deleted: str = "false") -> dict[str, object]:
        return {
            "Id": f"006x{number}",
            "IsDeleted": deleted,
            "AccountId": account,
            "StageName": stage,
            "Amount": amount,
            "ExpectedRevenue": amount,
            "Probability": 50,
            "CloseDate": f"2025-03-0{number}",
            "IsWon": won,
        }

    rows = [
        deal(1, "001A", "Closed Won", "1000.0", "true"),
        deal(2, "001B", "Closed Won", "250.5", "true"),
        deal(3, "001A", "Prospecting", "9999.0", "false"),
        deal(4, "001A", "Closed Won", "9999.0", "true", "true"),
    ]
    return Export("Opportunity.csv", text(columns, *rows).encode(), EUR, orders=2, customers=2, net=1250.5)


def odoo_orders() -> Export:
    columns = HEADERS["odoo-orders"]

    def line(product: str, quantity: str, price: str, discount: str, subtotal: str) -> dict[str, object]:
        return {
            "Order Lines/Product": product,
            "Order Lines/Quantity": quantity,
            "Order Lines/Unit Price": price,
            "Order Lines/Discount (%)": discount,
            "Order Lines/Subtotal": subtotal,
        }

    def order(number: int, customer: str, status: str) -> dict[str, object]:
        return {
            "Order Reference": f"S0000{number}",
            "Order Date": f"2025-03-0{number} 10:11:12",
            "Customer/ID": customer,
            "Currency": "EUR",
            "Status": status,
            "Total": "999.00",
        }

    rows = [
        {**order(1, "__export__.res_partner_1", "Sales Order"), **line("[MUG] Mug", "2.0", "10.0", "10.0", "18.0")},
        line("[POT] Pot", "1.0", "40.0", "0.0", "40.0"),  # S00001: 58
        {**order(2, "__export__.res_partner_2", "Quotation"), **line("[POT] Pot", "9.0", "40.0", "0.0", "360.0")},
        line("[MUG] Mug", "9.0", "10.0", "0.0", "90.0"),
        {**order(3, "__export__.res_partner_2", "Sales Order"), **line("[MUG] Mug", "1.0", "10.0", "0.0", "10.0")},
        {**order(4, "__export__.res_partner_1", "Cancelled"), **line("[MUG] Mug", "7.0", "10.0", "0.0", "70.0")},
        line("[POT] Pot", "1.0", "40.0", "0.0", "40.0"),
    ]
    return Export("sale.order.csv", text(columns, *rows).encode(), orders=2, customers=2, net=68.0)


ORDERS = {
    "magento-orders": magento_orders,
    "bigcommerce-orders": bigcommerce_orders,
    "square-items": square_items,
    "square-transactions": square_transactions,
    "ebay-orders": ebay_orders,
    "etsy-order-items": etsy_order_items,
    "etsy-orders": etsy_orders,
    "squarespace-orders": squarespace_orders,
    "shopee-orders": shopee_orders,
    "lazada-orders": lazada_orders,
    "taobao-orders": taobao_orders,
    "odoo-orders": odoo_orders,
    "salesforce-opportunities": salesforce_opportunities,
}
"""Exports of transactions, by platform."""


def magento_customers() -> Listing:
    columns = HEADERS["magento-customers"]
    row = {
        "ID": "1",
        "Name": "Ann Invented",
        "Email": "Ann@example.org",
        "Group": "General",
        "Country": "Germany",
        "State/Province": "Bayern",
        "Customer Since": "2024-03-04 10:11:12",
    }
    truth = {"customer_id": "ann@example.org", "display_name": "Ann Invented", "region": "Bayern", "status": "General"}
    return Listing("customer_listing.csv", text(columns, row).encode(), "customers", [truth])


def prestashop_customers() -> Listing:
    columns = HEADERS["prestashop-customers"]
    row = {
        "ID": "7",
        "Social title": "Mrs.",
        "First name": "Ann",
        "Last name": "Invented",
        "Email address": "ann@example.org",
        "Registration": "2024-03-14 10:11:12",
    }
    truth = {"customer_id": "7", "display_name": "Ann Invented", "email": "ann@example.org"}
    content = text(columns, row, delimiter=";").encode()
    return Listing("customer_2025.csv", content, "customers", [truth])


def salesforce_accounts() -> Listing:
    columns = HEADERS["salesforce-accounts"]
    row = {
        "Id": "001A",
        "Name": "Invented Ltd",
        "Type": "Customer",
        "ParentId": "001P",
        "BillingCountry": "Austria",
        "Industry": "Retail",
        "CreatedDate": "2024-03-04T10:11:12.000Z",
    }
    truth = {"customer_id": "001A", "display_name": "Invented Ltd", "parent_id": "001P", "party_type": "company"}
    return Listing("Account.csv", text(columns, row).encode(), "customers", [truth])


def salesforce_contacts() -> Listing:
    columns = HEADERS["salesforce-contacts"]
    row = {
        "Id": "003A",
        "AccountId": "001A",
        "LastName": "Invented",
        "FirstName": "Ann",
        "MailingCountry": "Austria",
        "Email": "ann@example.org",
        "CreatedDate": "2024-03-04T10:11:12.000Z",
    }
    truth = {"customer_id": "003A", "display_name": "Ann Invented", "parent_id": "001A", "country": "Austria"}
    return Listing("Contact.csv", text(columns, row).encode(), "customers", [truth])


def zoho_contacts() -> Listing:
    columns = HEADERS["zoho-contacts"]
    row = {
        "Record Id": "zcrm_5361160000004001",
        "Contact Owner": "Sales Person",
        "First Name": "Ann",
        "Last Name": "Invented",
        "Email": "ann@example.org",
        "Account Name.id": "zcrm_9",
        "Mobile": "+43 1 5550",
        "Created Time": "2024-03-14 10:00:00",
    }
    truth = {"customer_id": "zcrm_5361160000004001", "display_name": "Ann Invented", "account_owner": "Sales Person"}
    return Listing("Contacts_001.csv", text(columns, row).encode(), "customers", [truth])


def freshdesk_tickets() -> Listing:
    columns = HEADERS["freshdesk-tickets"]
    row = {
        "Ticket ID": "12",
        "Subject": "Where is my parcel?",
        "Status": "Closed",
        "Source": "Email",
        "Type": "Question",
        "Created time": "2025-05-16 17:43:00",
        "Resolved time": "2025-05-18 09:00:00",
        "Email": "Ann@example.org",
    }
    truth = {
        "interaction_id": "12",
        "customer_id": "ann@example.org",
        "text": "Where is my parcel?",
        "topic": "Question",
    }
    return Listing("tickets.csv", text(columns, row).encode(), "interactions", [truth])


def typeform_responses() -> Listing:
    columns = HEADERS["typeform-responses"]
    row = {
        "#": "abc123",
        "How did we do?": "Well enough",
        "Response Type": "completed",
        "Start Date (UTC)": "2025-01-23 06:24:12",
        "Submit Date (UTC)": "2025-01-23 06:25:40",
        "Network ID": "d356",
    }
    truth = {"interaction_id": "abc123", "kind": "survey", "text": "Well enough"}
    options = ("--column", "text=How did we do?")
    return Listing("responses.csv", text(columns, row).encode(), "interactions", [truth], options)


def surveymonkey_responses() -> Listing:
    columns = HEADERS["surveymonkey-responses"]
    rows = [
        {
            "Respondent ID": f"1180{number}",
            "Collector ID": "400",
            "Start Date": f"03/{number}/2025 10:11:12 AM",
            "End Date": f"03/{number}/2025 10:15:00 AM",
            "Email Address": f"C{number}@example.org",
            "Why?": "Fast",
        }
        for number in range(10, 32)
    ]
    truth = [
        {"interaction_id": f"1180{number}", "customer_id": f"c{number}@example.org", "text": "Fast"}
        for number in range(10, 32)
    ]
    header, lines = text(columns, *rows).split("\r\n", 1)
    content = f"{header}\r\n,,,,,,,,,Response,Open-Ended Response\r\n{lines}"
    return Listing("Sheet_1.csv", content.encode(), "interactions", truth, ("--column", "text=Why?"))


def qualtrics_responses() -> Listing:
    columns = HEADERS["qualtrics-responses"]
    questions = {name: f"{name}, in words" for name in columns.split(",")}
    imports = {name: f'{{"ImportId":"{name}"}}' for name in columns.split(",")}
    row = {
        "StartDate": "2025-03-04 10:11:12",
        "EndDate": "2025-03-04 10:15:12",
        "RecordedDate": "2025-03-04 10:15:13",
        "ResponseId": "R_1",
        "RecipientEmail": "ann@example.org",
        "ExternalReference": "K17",
        "DistributionChannel": "email",
        "UserLanguage": "DE",
        "Q1": "Schnell",
    }
    truth = {"interaction_id": "R_1", "customer_id": "K17", "text": "Schnell", "kind": "survey"}
    content = text(columns, questions, imports, row).encode()
    return Listing("survey.csv", content, "interactions", [truth], ("--column", "text=Q1"))


def trustpilot_reviews() -> Listing:
    columns = HEADERS["trustpilot-reviews"]
    row = {
        "Review Id": "r1",
        "Review Created (UTC)": "2025-01-02 10:00:00",
        "Review Consumer User Id": "u7",
        "Review User Email": "ann@example.org",
        "Review Title": "Good",
        "Review Content": "Came fast.",
        "Review Stars": "5",
        "Review Language": "en",
    }
    truth = {
        "interaction_id": "r1",
        "customer_id": "ann@example.org",
        "text": "Good Came fast.",
        "rating": 5.0,
        "lang": "en",
    }
    return Listing("reviews.csv", text(columns, row).encode(), "interactions", [truth])


LISTINGS = {
    "magento-customers": magento_customers,
    "prestashop-customers": prestashop_customers,
    "salesforce-accounts": salesforce_accounts,
    "salesforce-contacts": salesforce_contacts,
    "zoho-contacts": zoho_contacts,
    "freshdesk-tickets": freshdesk_tickets,
    "typeform-responses": typeform_responses,
    "surveymonkey-responses": surveymonkey_responses,
    "qualtrics-responses": qualtrics_responses,
    "trustpilot-reviews": trustpilot_reviews,
}
"""Exports of customers and of interactions, by platform."""
