"""A loyalty report as an Excel workbook: a sheet per section, and all metrics as machines read them.

Numbers are numbers in a format of their unit, texts are texts (never a formula), and equal reports give equal bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.document import findings, title_of
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.loyalty import attitude_text
from ckm._loyalty.words import load_words
from ckm.files import temporary_folder
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.plaintext import harmless_in_page
from ckm.render.writers import EXCEL_CREATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from ckm.metrics.metric import Metric
    from ckm.metrics.report import LoyaltyReport

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LONGEST_NAME = 31
"""Maximum characters of a sheet's name in Excel."""
FORBIDDEN_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
FORMATS = {
    "money": "#,##0.00",
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
"""Excel number formats by unit; decimal marks and digits depend on the reader's Excel."""
COLUMNS = ("metric", "slice", "value", "unit", "n", "low", "high", "previous", "change")
WIDTHS = (44, 40, 16, 12, 10, 14, 14, 16, 16)
DEFINITIONS = ("section", "metric", "definition", "formula", "source")
LOYAL = ("customer", "rule", "orders", "revenue", "last_purchase", "attitude")


def write_workbook(report: LoyaltyReport, path: Path, lang: str = "en") -> None:
    """Write the report as ``.xlsx`` in a language.

    Parameters
    ----------
    report
        The report.
    path
        Path of the file; write inside :func:`ckm.files.replacing`, so that no partial file is visible.
    lang
        One of :data:`ckm._loyalty.words.LANGUAGES`.

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
        for section in SECTIONS:
            writer.section(section)
        writer.loyal()
        writer.metrics()
        writer.definitions()


class _Writer:
    def __init__(self, book: Workbook, localized: LocalizedReport) -> None:
        self._book = book
        self._telling = localized
        self._titles: set[str] = set()
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._formats = {unit: book.add_format({"num_format": text}) for unit, text in FORMATS.items()}

    def section(self, name: str) -> None:
        """Write findings, missing metrics, and every metric of the section."""
        localized, sheet = self._telling, self._sheet(self._telling.say(f"section.{name}"))
        row = 0
        for line in (*findings(localized, name), *(text.text for text in localized.missing(name))):
            _write(sheet, row, 0, line)
            row += 1
        mine = [each for each in localized.report.metrics if load_catalogue()[each.name].section == name]
        self._metrics(sheet, row + bool(row), mine)

    def loyal(self) -> None:
        """Write every loyal customer, with the rule for each."""
        localized, loyal = self._telling, self._telling.report.loyal
        if loyal.is_empty():
            return
        named = localized.report.names and "display_name" in loyal.columns
        sheet = self._sheet(localized.say("sheet.loyal"))
        keys = (*LOYAL, *(("name",) if named else ()))
        self._header(sheet, 0, [localized.say(f"column.{key}") for key in keys], (22, 30, 10, 14, 14, 20, 30))
        for row, each in enumerate(loyal.iter_rows(named=True), 1):
            _write(sheet, row, 0, each["customer_id"])
            _write(sheet, row, 1, localized.called("rule", each["rule"]))
            self._number(sheet, row, 2, each["orders"], "orders")
            self._number(sheet, row, 3, each["revenue"], "money")
            if each["last_purchase"] is not None:
                sheet.write_datetime(row, 4, each["last_purchase"], self._formats["day"])
            _write(sheet, row, 5, attitude_text(localized, each["attitude"]))
            if named:
                _write(sheet, row, 6, each["display_name"] or "")

    def metrics(self) -> None:
        """Write all metrics with their names for programs, as in ``-f json``."""
        sheet = self._sheet(self._telling.say("sheet.metrics"))
        table = self._telling.report.metrics.table()
        self._header(sheet, 0, table.columns, (14, 26, 36, 16, 12, 10, 14, 14, 16, 16, 80))
        for row, values in enumerate(table.iter_rows(), 1):
            for column, value in enumerate(values):
                if isinstance(value, str):
                    _write(sheet, row, column, value)
                elif value is not None:
                    sheet.write_number(row, column, value)

    def definitions(self) -> None:
        """Write the definition of every metric of the report."""
        localized = self._telling
        sheet = self._sheet(localized.say("sheet.definitions"))
        self._header(sheet, 0, [localized.say(f"column.{key}") for key in DEFINITIONS], (22, 36, 70, 70, 50))
        used = {each.name for each in localized.report.metrics}
        known = [each for each in load_catalogue() if each.name in used]
        for row, each in enumerate(known, 1):
            texts = (
                localized.say(f"section.{each.section}"),
                localized.title(each.name),
                localized.definition(each.name),
                each.formula,
                each.source,
            )
            for column, text in enumerate(texts):
                _write(sheet, row, column, text, self._wrapped)

    def _metrics(self, sheet: Worksheet, row: int, metrics: Iterable[Metric]) -> None:
        localized, book = self._telling, load_catalogue()
        self._header(sheet, row, [localized.say(f"column.{key}") for key in COLUMNS], WIDTHS)
        for number, each in enumerate(metrics, row + 1):
            unit = book[each.name].unit
            named = (f"{localized.dimension(key)}: {localized.called(key, value)}" for key, value in each.slice)
            _write(sheet, number, 0, localized.title(each.name))
            _write(sheet, number, 1, localized.joined(list(named)))
            self._number(sheet, number, 2, each.value, unit)
            _write(sheet, number, 3, localized.report.currency if unit == "money" else "")
            self._number(sheet, number, 4, each.n, "customers")
            for column, value in enumerate((each.lo, each.hi, each.previous, each.change), 5):
                self._number(sheet, number, column, value, unit)

    def _number(self, sheet: Worksheet, row: int, column: int, value: float | None, unit: str) -> None:
        if value is not None:
            sheet.write_number(row, column, value, self._formats[unit])

    def _header(self, sheet: Worksheet, row: int, titles: Sequence[str], widths: Sequence[int]) -> None:
        for column, title in enumerate(titles):
            _write(sheet, row, column, title, self._head)
            sheet.set_column(column, column, widths[column])
        sheet.freeze_panes(row + 1, 1)

    def _sheet(self, title: str) -> Worksheet:
        name = harmless_in_page(title).translate(FORBIDDEN_IN_NAMES)[:LONGEST_NAME].strip()
        while name.casefold() in self._titles:  # names must be unique, ignoring case
            name = f"{name[: LONGEST_NAME - 2]} 2"
        self._titles.add(name.casefold())
        sheet = self._book.add_worksheet(name)
        if self._telling.mirrored:
            sheet.right_to_left()
        return sheet


def _write(sheet: Worksheet, row: int, column: int, text: str, look: Format | None = None) -> None:
    """Write a text that may contain a name from the data; XML does not allow control characters."""
    sheet.write_string(row, column, harmless_in_page(text), look)
