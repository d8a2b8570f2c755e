"""Export of the CRM: Excel file with a cover sheet, serial dates, duplicate rows and blank rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport
from ckm.example.customers import FIRST_ID, Customer, make_customer
from ckm.example.random_stream import RandomStream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ckm.example.simulation import Simulation

    Cell = str | int | None

SHEET = "Customers"
HEADER = (
    "Customer No.", "Name", "Type", "E-mail", "Phone", "Country", "Region", "Language", "Year of birth", "Industry",
    "Account owner", "Belongs to", "Status", "Created",
)  # fmt: skip
MISSING, DOUBLED, BLANK = 12, 6, 4
"""Numbers of buyers missing from the CRM, of duplicate rows, and of blank rows."""
SUPPLIERS, PROSPECTS = 25, 40
"""Numbers of suppliers and of prospects in the CRM, none of whom has a purchase."""
EXCEL_EPOCH = date(1899, 12, 30)
CREATED = datetime(2026, 7, 1)
"""Creation time in the properties of the file; it is fixed, so that the same seed gives the same bytes."""


def write_crm(world: Simulation, incoming: Path) -> ChannelExport:
    """Write ``crm-customers.xlsx``: customers with and without an order, suppliers and prospects.

    Some buyers (:func:`not_in_crm`) are missing; some rows are duplicates or blank.
    """
    stream = RandomStream(world.seed, "export", "crm")
    missing = not_in_crm(world)
    people = [each for each in world.customers if each.customer_id not in missing] + _without_orders(world.seed)
    rows: list[list[Cell]] = [_row(each, stream) for each in sorted(people, key=lambda each: each.customer_id)]
    for place in sorted(stream.shuffled(range(len(rows)))[:DOUBLED], reverse=True):
        rows.insert(place, list(rows[place]))
    records = len(rows)
    for place in sorted(stream.shuffled(range(1, len(rows)))[:BLANK], reverse=True):
        rows.insert(place, [None] * len(HEADER))
    _write_book(incoming / "crm-customers.xlsx", rows)
    return ChannelExport("incoming/crm-customers.xlsx", "customers", None, None, records=records, doubled=DOUBLED)


def not_in_crm(world: Simulation) -> list[str]:
    """Return the ids of the customers with an order who are missing from the CRM, sorted."""
    buyers = [history.customer.customer_id for history in world.histories]
    return sorted(RandomStream(world.seed, "missing").shuffled(buyers)[:MISSING])


def suppliers(seed: int) -> list[str]:
    """Return the ids of the suppliers in the CRM."""
    return [each.customer_id for each in _without_orders(seed)[:SUPPLIERS]]


def _without_orders(seed: int) -> list[Customer]:
    """Return the suppliers, then the prospects; no buyer has one of their customer ids."""
    found = []
    for n in range(SUPPLIERS + PROSPECTS):
        customer_id = f"{FIRST_ID + 5 + 13 * 31 * n:07d}"
        party = make_customer(customer_id, "business" if n < SUPPLIERS else "regular", RandomStream(seed, "silent", n))
        fields = {**vars(party), "party_type": "supplier" if n < SUPPLIERS else "person"}
        found.append(Customer(**fields))
    return found


def _row(customer: Customer, stream: RandomStream) -> list[Cell]:
    """Return the cells of a customer; None is an empty cell, and the date of creation an Excel serial number."""
    return [
        customer.customer_id,
        customer.name,
        customer.party_type.capitalize(),
        customer.email,
        customer.phone,
        customer.country,
        customer.region,
        customer.lang,
        customer.birth_year,
        customer.industry,
        customer.account_owner,
        customer.parent_id,
        "blocked" if stream.chance(0.004) else "active",
        (days.as_date(customer.created) - EXCEL_EPOCH).days,
    ]


def _write_book(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    """Write an Excel file with a cover sheet, and a sheet with the header and the rows."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "Customers", "author": "Kontor & Blatt", "created": CREATED})
    cover = book.add_worksheet("Info")
    cover.write_column(0, 0, ["Kontor & Blatt", "Customers, as of 1 July 2026", f"Data on sheet '{SHEET}'"])
    sheet = book.add_worksheet(SHEET)
    sheet.write_row(0, 0, HEADER)
    for n, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(n, column, cell)
            elif cell is not None:
                sheet.write_number(n, column, cell)
    book.close()
