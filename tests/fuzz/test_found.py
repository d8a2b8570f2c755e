"""What the fuzzers found, each case as small as it gets and kept as an example."""

from __future__ import annotations

import io

import pytest
import xlsxwriter

from tests.fuzz.case import Case

RECORD = '{"order_id":"A1","customer_id":"c","ordered_at":"2025-01-05","net":1,"currency":"EUR",'
INGEST = ("ingest", "--as", "transactions", "--max-rejects", "100%")
MANY = "1" * 5_000
"""More digits than Python reads as a whole number."""
MAPPING = "schema: ckm.map/1\ntable: transactions\n"


def workbook(number: float, shown: str) -> bytes:
    """Return a workbook with one number, which is no date and no span of any calendar, and how it is shown."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet().write(0, 0, number, book.add_format({"num_format": shown}))
    return made.getvalue()


FOUND = {
    "NUL in a key of JSON": (Case(((*INGEST, "a.json"),), {"a.json": (RECORD + '"\\u0000":1}').encode()}), 0),
    "a number far beyond every date": (Case((("inspect", "a.xlsx"),), {"a.xlsx": workbook(1e20, "yyyy-mm-dd")}), 0),
    "a number far beyond every span": (Case((("inspect", "a.xlsx"),), {"a.xlsx": workbook(-1e20, "[h]:mm")}), 3),
    "NUL in a target of a mapping": (
        Case(
            (("ingest", "orders.csv", "--map", "maps/a.yaml"),),
            {"maps/a.yaml": (MAPPING + 'columns: {"a\\0": net}\n').encode()},
        ),
        2,
    ),
    "a header line of 5,000 digits": (
        Case(
            (("ingest", "orders.csv", "--map", "maps/a.yaml"),),
            {"maps/a.yaml": f"{MAPPING}format: {{header: {MANY}}}\n".encode()},
        ),
        2,
    ),
    "a column twice in the key": (
        Case(
            (("ingest", "orders.csv", "--map", "maps/a.yaml"),),
            {"maps/a.yaml": (MAPPING + "key: [quantity, quantity]\n").encode()},
        ),
        2,
    ),
    "an option of 5,000 digits": (Case((("inspect", "orders.csv", "--header", MANY),)), 2),
    "a span of 5,000 digits": (
        Case((("check",),), {"ckm.yaml": f"freshness: {{transactions: {MANY}d}}\n".encode()}),
        2,
    ),
    "a span beyond every calendar": (Case((("check",),), {"ckm.yaml": b"churn: {lead: 9999999999d}\n"}), 2),
    "a goal of 5,000 digits": (Case((("loyalty-report",),), {"ckm.yaml": f"goals: {{revenue: {MANY}}}\n".encode()}), 2),
}


@pytest.mark.parametrize(("case", "code"), FOUND.values(), ids=FOUND.keys())
def test_a_case_that_once_was_a_crash_ends_as_it_should(case: Case, code: int) -> None:
    assert case.run() == [code]
