"""Loyalty report as an Excel workbook: overview, a sheet per section, loyal customers, all metrics, definitions.

Every sheet is one table with a frozen header, a filter, columns as wide as their texts, and a page setup. Numbers have
the format of their unit, days are dates, texts are never formulas, and equal reports give equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from unicodedata import category, combining, east_asian_width

from ckm._loyalty.document import findings, lead_of, title_of
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.loyalty import attitude_text
from ckm._loyalty.words import load_words
from ckm.files import temporary_folder
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.plaintext import harmless_in_page
from ckm.render.writers import EXCEL_CREATED
from ckm.setting_values import GREGORIAN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from ckm.metrics.metric import Metric
    from ckm.metrics.report import LoyaltyReport

REVENUE = "changed"
"""Section of the metric catalogue with the revenue."""
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LONGEST_NAME = 31
"""Maximum characters of a sheet's name in Excel."""
FORBIDDEN_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
FORMATS = {
    "share": "0.0%",
    "customers": "#,##0",
    "orders": "#,##0",
    "rows": "#,##0",
    "responses": "#,##0",
    "days": "#,##0.0",
    "points": "0.0",
    "number": "0.00",
    "ratio": "0.00",
    "day": "yyyy-mm-dd",
}
"""Number format of each unit, which Excel shows with the separators of its user; money: :func:`money_format`."""
COLUMNS = ("metric", "slice", "value", "unit", "n", "low", "high", "previous", "change")
DEFINITIONS = ("section", "metric", "definition", "formula", "source")
LOYAL = ("customer", "rule", "orders", "revenue", "last_purchase", "attitude")
MONTHS = ("month", "cohort")
"""Dimensions with months ``2026-06``; the ``month`` of a cohort is a number of months, which stays a number."""
LEAST_WIDTH, MOST_WIDTH = 8, 60
"""Smallest and largest width of a column in characters; longer texts are wrapped."""
LINE_HEIGHT = 15
"""Height of a line of text in points, as Excel has it."""
A4 = 9
"""Excel's number of the paper size."""
BESIDE_TEXT = 3
"""Characters added to the width of a text, for the padding of the cell and the filter button."""


@dataclass(frozen=True)
class Quantity:
    """A number and its unit, one of the catalogue's or ``day``."""

    value: float | date
    unit: str


Cell = str | float | Quantity | None


def write_workbook(report: LoyaltyReport, path: Path, lang: str = "en") -> None:
    """Write the report as ``.xlsx`` in a language.

    Parameters
    ----------
    report
        The report.
    path
        Path of the file; write inside :func:`ckm.files.replacing`, so that no partial file is visible.
    lang
        One of :data:`ckm.names.LANGUAGES`.

    Raises
    ------
    UnknownNameError
        The language has no texts.
    """
    from xlsxwriter import Workbook

    localized = LocalizedReport(report, load_words(lang))
    with Workbook(path, OPTIONS | {"tmpdir": str(temporary_folder())}) as book:
        book.set_properties({"title": harmless_in_page(title_of(localized)), "created": EXCEL_CREATED})
        writer = _Writer(book, localized)
        writer.overview()
        for section in SECTIONS:
            writer.section(section)
        writer.loyal()
        writer.metrics()
        writer.definitions()


def money_format(currency: str) -> str:
    """Return how Excel shows an amount: with the decimals of its currency, and its ISO 4217 code.

    >>> money_format("EUR"), money_format("JPY"), money_format("KWD")
    ('#,##0.00 [$EUR]', '#,##0 [$JPY]', '#,##0.000 [$KWD]')
    """
    from babel.numbers import get_currency_precision

    digits = get_currency_precision(currency)
    return "#,##0" + ("." + "0" * digits if digits else "") + f" [${currency}]"


def width_of(text: str) -> int:
    """Return the width of a text in columns: 2 for a wide letter, 0 for a mark above or below one."""
    return sum(
        0 if combining(letter) or category(letter) in {"Mn", "Cf"} else 2 if east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def sheet_name(title: str) -> str:
    """Return a title as a sheet's name, cut after a word where it is too long.

    >>> sheet_name("Customer value and growth potential")
    'Customer value and growth…'
    """
    name = harmless_in_page(title).translate(FORBIDDEN_IN_NAMES).strip()
    if len(name) <= LONGEST_NAME:
        return name
    cut = name[:LONGEST_NAME]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut[:-1]).rstrip() + "…"


class _Writer:
    def __init__(self, book: Workbook, localized: LocalizedReport) -> None:
        self._book = book
        self._localized = localized
        self._titles: set[str] = set()
        top = {"valign": "top"}
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, **top})
        self._text, self._wrapped = book.add_format(top), book.add_format({"text_wrap": True, **top})
        formats = {**FORMATS, "money": money_format(localized.report.currency)}
        self._formats = {unit: book.add_format({"num_format": text, **top}) for unit, text in formats.items()}

    def overview(self) -> None:
        """Write the lead, and the findings and reasons for missing metrics of every section."""
        localized = self._localized
        rows = [(title_of(localized), lead_of(localized))]
        for name in SECTIONS:
            included = localized.net_sales() if name == REVENUE else ()
            lines = (*findings(localized, name), *included, *(text.text for text in localized.missing(name)))
            rows += [(localized.say(f"section.{name}"), line) for line in lines]
        pseudonyms = localized.pseudonym_note(localized.report.loyal["customer_id"])
        rows += [(localized.say("sheet.loyal"), note.text) for note in pseudonyms]
        self._table(localized.say("sheet.overview"), ("section", "finding"), rows)

    def section(self, name: str) -> None:
        """Write the metrics of a section of the catalogue; no sheet without metrics."""
        localized, book = self._localized, load_catalogue()
        rows: list[Sequence[Cell]] = []
        for each in localized.report.metrics:
            unit = book[each.name].unit
            if book[each.name].section != name:
                continue
            values = (each.value, each.lo, each.hi, each.previous, each.change)
            value, *others = (None if number is None else Quantity(number, unit) for number in values)
            n = None if each.n is None else Quantity(each.n, "customers")
            currency = localized.report.currency if unit == "money" else ""
            rows.append((localized.title(each.name), self._slice(each), value, currency, n, *others))
        if rows:
            self._table(localized.say(f"section.{name}"), COLUMNS, rows)

    def _slice(self, metric: Metric) -> str:
        localized = self._localized
        named = []
        pairs = dict(metric.slice)
        if "dimension" in pairs:  # the pair of a dimension and its value
            pairs[pairs.pop("dimension")] = pairs.pop("value")
        for key, value in pairs.items():
            group = "left_out" if metric.name == "rows_left_out" else key
            text = localized.numbers.month(value) if key in MONTHS else localized.called(group, value)
            named.append(f"{localized.dimension(key)}: {text}")
        return localized.joined(named)

    def loyal(self) -> None:
        """Write all loyal customers with the rule that each meets."""
        localized, loyal = self._localized, self._localized.report.loyal
        if loyal.is_empty():
            return
        named = localized.report.names and "display_name" in loyal.columns
        local = localized.report.calendar != GREGORIAN
        rows: list[Sequence[Cell]] = []
        for each in loyal.iter_rows(named=True):
            last = each["last_purchase"]
            rows.append(
                (
                    each["customer_id"],
                    localized.called("rule", each["rule"]),
                    Quantity(each["orders"], "orders"),
                    Quantity(each["revenue"], "money"),
                    None if last is None else Quantity(last, "day"),
                    *((None if last is None else localized.numbers.short_day(last),) if local else ()),
                    attitude_text(localized, each["attitude"]),
                    *((each["display_name"],) if named else ()),
                )
            )
        keys = [*LOYAL, *(("name",) if named else ())]
        if local:  # a text column with the date of the report's calendar, after the date column
            keys.insert(keys.index("last_purchase") + 1, "last_purchase")
        self._table(localized.say("sheet.loyal"), keys, rows)

    def metrics(self) -> None:
        """Write all metrics by name, as ``-f json`` has them."""
        table = self._localized.report.metrics.table()
        self._table(self._localized.say("sheet.metrics"), table.columns, table.rows(), as_they_are=True)

    def definitions(self) -> None:
        """Write definition, formula and source of every metric of the report."""
        localized = self._localized
        used = {each.name for each in localized.report.metrics}
        rows = [
            (
                localized.say(f"section.{each.section}"),
                localized.title(each.name),
                localized.definition(each.name),
                each.formula,
                each.source,
            )
            for each in load_catalogue()
            if each.name in used
        ]
        self._table(localized.say("sheet.definitions"), DEFINITIONS, rows)

    def _table(
        self, title: str, keys: Sequence[str], rows: Sequence[Sequence[Cell]], *, as_they_are: bool = False
    ) -> None:
        """Write a sheet with frozen header, filter, fitted columns and page setup."""
        sheet = self._sheet(title)
        titles = list(keys) if as_they_are else [self._localized.say(f"column.{key}") for key in keys]
        widths = [width_of(name) for name in titles]
        for column, name in enumerate(titles):
            _write(sheet, 0, column, name, self._head)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                self._cell(sheet, number, column, cell)
                widths[column] = max(widths[column], self._width(cell))
            lines = max((_lines(cell) for cell in row if isinstance(cell, str)), default=1)
            if lines > 1:  # LibreOffice does not compute the height of a row with wrapped text when it opens a file
                sheet.set_row(number, lines * LINE_HEIGHT)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(max(width + BESIDE_TEXT, LEAST_WIDTH), MOST_WIDTH))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)  # as wide as a page, and as many pages as the rows need
        sheet.repeat_rows(0)

    def _cell(self, sheet: Worksheet, row: int, column: int, cell: Cell) -> None:
        if isinstance(cell, Quantity):
            if isinstance(cell.value, date):
                sheet.write_datetime(row, column, cell.value, self._formats[cell.unit])
            else:
                sheet.write_number(row, column, cell.value, self._formats[cell.unit])
        elif isinstance(cell, str):
            _write(sheet, row, column, cell, self._wrapped if width_of(cell) > MOST_WIDTH else self._text)
        elif cell is not None:
            sheet.write_number(row, column, cell, self._text)

    def _width(self, cell: Cell) -> int:
        """Return the width of a cell in characters, in the widest number format of any locale."""
        if isinstance(cell, Quantity) and not isinstance(cell.value, date):
            money = cell.unit == "money"
            return len(f"{cell.value:,.2f}") + (len(self._localized.report.currency) + 1) * money
        return len("yyyy-mm-dd") if isinstance(cell, Quantity) else width_of(str(cell or ""))

    def _sheet(self, title: str) -> Worksheet:
        name = sheet_name(title)
        while name.casefold() in self._titles:  # Excel compares the names of sheets without case
            name = f"{name[: LONGEST_NAME - 2]} 2"
        self._titles.add(name.casefold())
        sheet = self._book.add_worksheet(name)
        if self._localized.mirrored:
            sheet.right_to_left()
        return sheet


def _lines(text: str) -> int:
    """Return the lines of a wrapped text in the widest column."""
    lines, used = 1, 0
    for word in text.split(" "):
        width = width_of(word)
        if used and used + 1 + width > MOST_WIDTH:
            lines, used = lines + 1, 0
        used += width + (1 if used else 0)
        lines, used = lines + (used - 1) // MOST_WIDTH, (used - 1) % MOST_WIDTH + 1 if used else 0
    return lines


def _write(sheet: Worksheet, row: int, column: int, text: str, look: Format) -> None:
    """Write a text without control characters, which XML does not allow."""
    sheet.write_string(row, column, harmless_in_page(text), look)
