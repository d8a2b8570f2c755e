"""Loyalty report in a language: titles, values, changes, tables and charts that all sections are built of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ckm._loyalty.numbers import Numbers
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.metrics.metric import Metric
from ckm.plaintext import harmless
from ckm.pseudonym import is_pseudonym
from ckm.render.bar_charts import Bar
from ckm.render.document import Figure, ReportTable, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckm._loyalty.words import Words
    from ckm.metrics.metric import Missing
    from ckm.metrics.report import LoyaltyReport
    from ckm.render.chart_look import Specification

NOTHING = "–"
"""Text of a missing or suppressed number."""
SEGMENT, SAVED = "segment", "segment "
"""Dimension of segments, and prefix of the dimension of a saved segment definition, before its name."""
FIRST_ISOLATE, RELEASE = "\u2068", "\u2069"
Direction = Literal["up", "down", "same"]
CENT = 0.005
"""Differences below half a cent are rounding errors."""
HIDDEN = "hidden_cells"
"""Reason of suppressed numbers."""


class LocalizedReport:
    """A report with the texts and the number formats of a language.

    Attributes
    ----------
    mirrored
        Whether charts are mirrored, for a language that is written from right to left.
    """

    def __init__(self, report: LoyaltyReport, words: Words) -> None:
        self.report = report
        self.words = words
        self.numbers = Numbers(words.locale, report.currency, report.calendar)
        self.mirrored = words.direction == "rtl"
        self._book = load_catalogue()

    def say(self, key: str, n: float | None = None, /, **values: str) -> str:
        """Return a text of the language with its placeholders filled (:meth:`Words.say`)."""
        return self.words.say(key, n, **values)

    def title(self, name: str) -> str:
        """Return the title of a metric in the language, else in English."""
        return self.words.called("metrics", f"{name}.title") or self._book[name].title

    def definition(self, name: str) -> str:
        """Return the definition of a metric in the language, else in English."""
        return self.words.called("metrics", f"{name}.definition") or self._book[name].definition

    def called(self, dimension: str, value: str) -> str:
        """Return the text of a value of a dimension: the word of the language for a code, other values as they are."""
        for group in (SEGMENT if dimension.startswith(SAVED) else dimension, "any"):
            if word := self.words.called("values", f"{group}.{value}"):
                return word
        return self.raw(value)

    def dimension(self, name: str) -> str:
        """Return the name of a dimension in the language; a column of the data keeps its name."""
        if name.startswith(SAVED):
            return self.say("unit.saved_segment", name=self.raw(name.removeprefix(SAVED)))
        return self.words.called("dimensions", name) or self.raw(name)

    def raw(self, text: str) -> str:
        """Return a text of the data without markup; isolated by direction marks in a right-to-left language."""
        text = harmless(text)
        return f"{FIRST_ISOLATE}{text}{RELEASE}" if self.mirrored else text

    def pseudonym_note(self, shown: Iterable[str]) -> Iterator[Text]:
        """Return an explanation of pseudonyms ``id-…`` if one is shown; reports with names show the ids."""
        if not self.report.names and any(is_pseudonym(each) for each in shown):
            yield Text(self.say("text.pseudonym"))

    def net_sales(self) -> Iterator[str]:
        """Yield a sentence on what net sales include per platform, and one for other sources."""
        for each in self.report.net_sales:
            if not each.title:
                yield self.say("net_sales.source")
                continue
            parts = ((name, getattr(each, name)) for name in ("taxes", "shipping", "gift_cards"))
            named = self.joined([self.say(f"net_sales.{name}_{value}") for name, value in parts if value])
            yield self.say("net_sales.platform", platform=self.raw(each.title), parts=named)

    def written(self, name: str, value: float | None, *, exact: bool = False, signed: bool = False) -> str:
        """Return a value formatted in the unit of its metric.

        Parameters
        ----------
        name
            Name of the metric.
        value
            Value; None is a dash.
        exact
            Whether to write cents, and shares with one decimal, as in tables.
        signed
            Whether to write a sign, as of a change; that of a share is in percentage points.
        """
        if value is None:
            return NOTHING
        numbers = self.numbers
        match self._book[name].unit:
            case "money":
                return numbers.money(value, exact=exact, signed=signed)
            case "share" if signed:
                return self.say("unit.points", points=numbers.decimal(value * 100, signed=True))
            case "share":
                return numbers.share(value, int(exact))
            case "days":
                digits = 0 if value == round(value) else 1
                return self.say("unit.days", abs(value), days=numbers.decimal(value, digits, signed=signed))
            case "points":
                return numbers.decimal(value, 1, signed=signed)
            case "number" | "ratio":
                return numbers.decimal(value, 2, signed=signed)
            case _:
                return numbers.count(value, signed=signed)

    def is_count(self, name: str) -> bool:
        """Return whether a metric is a number, such as of customers or orders, that is written without decimals."""
        return self._book[name].unit not in ("money", "share", "days", "points", "number", "ratio")

    def between(self, name: str, low: float | None, high: float | None, *, exact: bool = True) -> str:
        """Return the interval as a text; empty if an end is None."""
        if low is None or high is None:
            return ""
        ends = (self.written(name, end, exact=exact) for end in (low, high))
        return self.say("unit.between", **dict(zip(("low", "high"), ends, strict=True)))

    def change(self, metric: Metric) -> str:
        """Return the change of a metric in its unit; between unequal periods, that of a sum per day in percent.

        Empty without a change.
        """
        if metric.change is None:
            return ""
        if metric.days is None:
            return self.written(metric.name, metric.change, signed=True)
        if metric.growth is None:
            return ""
        return self.say("unit.per_day", change=self.numbers.share(metric.growth, 1, signed=True))

    def joined(self, texts: Sequence[str]) -> str:
        """Return texts joined by the list separator of the language."""
        return self.say("unit.separator").join(texts)

    def of(self, name: str, **slice_: str) -> Metric | None:
        """Return a metric with a value; None if it is missing."""
        found = self.report.metrics.get(name, **slice_)
        return None if found is None or found.value is None else found

    @property
    def unequal_days(self) -> tuple[int, int] | None:
        """Days of the comparison period and of the period; None if they are equal or there is no comparison."""
        days = self.report.days
        return days if days is not None and days[0] != days[1] else None

    def days(self, days: float) -> str:
        """Return a number of days as a text."""
        return self.say("unit.days", days, days=self.numbers.count(days))

    def all(self, name: str, *dimensions: str) -> tuple[Metric, ...]:
        """Return the metrics of a name, sliced by exactly these dimensions, that have a value."""
        return tuple(each for each in self.report.metrics.all(name, *dimensions) if each.value is not None)

    def parts(self, name: str, dimension: str, values: Sequence[str]) -> list[Metric]:
        """Return a metric by the values of one dimension, in their order, with the suppressed ones.

        A suppressed value, which the charts and tables show as a dash, is a metric without a value. Values that are
        missing for another reason are left out.
        """
        shown = {each.of(dimension): each for each in self.all(name, dimension)}
        hidden = bool(shown) and self.has_hidden(self._book[name].section)
        found = [shown.get(value, Metric(name, None, ((dimension, value),))) for value in values]
        return [each for each in found if hidden or each.value is not None]

    def suppressed_bar(self, parts: Sequence[Metric], total: float | None) -> tuple[Bar, ...]:
        """Return a bar with a dash for suppressed parts of a total, of which the names are not known.

        None is added if nothing of the section is suppressed, or if the shown parts add up to the total.
        """
        hidden = bool(parts) and self.has_hidden(self._book[parts[0].name].section)
        shown = sum(each.value or 0.0 for each in parts)
        is_whole = total is not None and abs(total - shown) < CENT
        return () if not hidden or is_whole else (Bar(self.called("any", "suppressed"), 0.0, NOTHING, "muted"),)

    def has_hidden(self, section: str) -> bool:
        """Whether numbers of a section of the metric catalogue are suppressed."""
        return any(each.section == section and each.reason == HIDDEN for each in self.report.missing)

    def number(self, name: str, **slice_: str) -> float:
        """Return a value; 0 if it is missing."""
        return self.report.metrics.value(name, **slice_) or 0.0

    def missing(self, section: str, *, suppression: bool = True) -> Iterator[Text]:
        """Return why metrics of a section are missing, one text per reason.

        A reason of the first section is not repeated in others, except suppression: its text explains the dashes.

        Parameters
        ----------
        section
            Section of the metric catalogue.
        suppression
            Whether to include the text on suppressed numbers.
        """
        said: set[str] = set()
        first = {each.reason for each in self.report.missing if each.section == SECTIONS[0]} - {HIDDEN}
        for each in self.report.missing:
            again = (section != SECTIONS[0] and each.reason in first) or (each.reason == HIDDEN and not suppression)
            if each.section == section and not again and (text := self.reason(each)) not in said:
                said.add(text)
                yield Text(text)

    def reason(self, missing: Missing) -> str:
        """Return the text of a reason: that of its section, else the general one, else one with its code."""
        values = {name: self.numbers.count(value) for name, value in missing.numbers}
        first = missing.numbers[0][1] if missing.numbers else None
        for key in (f"missing.{missing.section}_{missing.reason}", f"missing.{missing.reason}"):
            if key in self.words:
                return self.say(key, first, **values)
        return self.say("missing.other", reason=self.raw(missing.reason))

    def unless_hidden(self, finding: str, name: str, *, whole: bool = False) -> str:
        """Return a headline with a sum over the parts of a metric; the metric's title if parts may be suppressed.

        Parameters
        ----------
        finding
            Headline.
        name
            Name of the metric.
        whole
            Whether all parts are known to be shown, although other numbers of the section are suppressed.
        """
        return self.title(name) if self.has_hidden(self._book[name].section) and not whole else finding

    def metrics_table(self, caption: str, metrics: Sequence[Metric], *, folded: bool = False) -> ReportTable:
        """Return a table of metrics of all customers with interval, previous value and change; no empty columns."""
        rows = [
            (
                self.title(each.name),
                self.written(each.name, each.value, exact=True),
                self.between(each.name, each.lo, each.hi),
                *self._before(each),
            )
            for each in metrics
        ]
        return self._full_columns(caption, ("metric", "value", "interval", "previous", "change"), rows, folded)

    def slices_table(self, caption: str, first: str, metrics: Sequence[Metric], *, folded: bool = True) -> ReportTable:
        """Return one metric by the values of one dimension.

        Parameters
        ----------
        caption
            Caption of the table.
        first
            Dimension of the slices.
        metrics
            Metrics of one name.
        folded
            Whether the table is folded.
        """
        rows = [
            (
                self.called(first, each.of(first) or ""),
                self.written(each.name, each.value, exact=True),
                self.between(each.name, each.lo, each.hi),
                *self._before(each),
            )
            for each in metrics
        ]
        table = self._full_columns(caption, ("metric", "value", "interval", "previous", "change"), rows, folded)
        columns = (TableColumn(self.dimension(first)), *table.columns[1:])
        return ReportTable(caption, columns, table.rows, folded=folded)

    def table(
        self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, folded: bool = True
    ) -> ReportTable:
        """Return a table with the titles ``column.KEY``; all columns but the first are numeric."""
        titles = tuple(TableColumn(self.say(f"column.{key}"), numeric=number > 0) for number, key in enumerate(columns))
        return ReportTable(caption, titles, tuple(tuple(row) for row in rows), folded=folded)

    def figure(
        self,
        finding: str,
        chart: str,
        specification: Specification,
        table: ReportTable,
        *,
        note: bool = False,
        **values: str,
    ) -> Figure:
        """Return a chart with its finding.

        Parameters
        ----------
        finding
            The headline.
        chart
            Key of the description ``chart.KEY`` and of the note ``note.KEY``.
        specification, table
            The chart and its numbers.
        note
            Whether the chart has a note on how to read it.
        values
            Values of the placeholders of the description.
        """
        description = f"{self.say(f'chart.{chart}', **values)} {self.say('chart.beneath')}"
        return Figure(finding, description, specification, table, self.say(f"note.{chart}") if note else "")

    def _before(self, metric: Metric) -> tuple[str, str]:
        """Return the previous value and the change as texts; empty without them, and between unequal periods."""
        if metric.previous is None or metric.change is None or metric.days is not None:
            return "", ""
        previous = self.written(metric.name, metric.previous, exact=True)
        return previous, self.written(metric.name, metric.change, exact=True, signed=True)

    def _full_columns(
        self, caption: str, keys: Sequence[str], rows: Sequence[Sequence[str]], folded: bool
    ) -> ReportTable:
        used = [number for number in range(len(keys)) if number < 2 or any(row[number] for row in rows)]
        return self.table(
            caption,
            [keys[number] for number in used],
            [[row[number] for number in used] for row in rows],
            folded=folded,
        )


def direction(metric: Metric) -> Direction | None:
    """Return the direction of a change; None without a previous value.

    That of an estimate is ``same`` if the previous value is within its interval.
    """
    if metric.value is None or metric.previous is None:
        return None
    low = metric.value if metric.lo is None else metric.lo
    high = metric.value if metric.hi is None else metric.hi
    return "up" if metric.previous < low else "down" if metric.previous > high else "same"
