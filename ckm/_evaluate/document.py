"""Document of an evaluation in one language: summary, all metrics, and the reasons of metrics without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm._evaluate.catalogue import COUNT, DAYS, HOURS, MONEY, MONTHS, SHARE, load_metrics, texts
from ckm._evaluate.knowledge import ARROW
from ckm._loyalty.numbers import Numbers
from ckm.plaintext import harmless
from ckm.render.document import Document, Facts, KeyFigure, ReportTable, Section, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._evaluate.result import Evaluation
    from ckm._loyalty.words import Words

KEY_METRICS = (
    "net_return",
    "return_on_cost",
    "payback_months",
    "value_at_risk_evidenced",
    "first_contact_fix_rate",
    "days_to_validation",
)
"""Metrics at the top of the page; metrics without a value are left out."""
SECTIONS = ("return", "efficiency", "service", "coverage", "use", "knowledge", "conversion", "programme")
Row = dict[str, Any]


def evaluation_document(evaluation: Evaluation, lang: str = "en") -> Document:
    """Return an evaluation as a document for HTML or Markdown, in a language (en, de, zh-Hans, zh-Hant, th, fa)."""
    page = _Page(evaluation, texts(lang))
    sections = [page.section(name) for name in SECTIONS if page.rows_of(name)]
    return Document(
        title=harmless(evaluation.label),
        subtitle=page.say("subtitle", period=page.numbers.period(evaluation.period)),
        lead=" ".join(page.lead()),
        key_figures=tuple(page.key_figures()),
        sections=(*page.goals(), *sections, *page.missing(), page.definitions()),
        footer=page.say(
            "footer",
            label=harmless(evaluation.label),
            day=page.numbers.day(evaluation.as_of),
            currency=evaluation.currency,
            version=f"ckm {__version__}",
        ),
        lang=page.words.lang,
        direction=page.words.direction,
    )


class _Page:
    """Formatter of an evaluation: sections, tables and sentences of the document in one language."""

    def __init__(self, evaluation: Evaluation, words: Words) -> None:
        self.evaluation = evaluation
        self.words = words
        self.say = words.say
        self.numbers = Numbers(words.locale, evaluation.currency)
        self.rows: list[Row] = evaluation.frame.to_dicts()
        self.whole = {row["metric"]: row for row in self.rows if not row["of"]}

    def rows_of(self, section: str) -> list[Row]:
        """Return the rows of a section that have a value."""
        return [row for row in self.rows if row["section"] == section and row["value"] is not None]

    def lead(self) -> Iterator[str]:
        """Yield the sentences of the summary: compared periods, net return, slowest mode of knowledge conversion."""
        evaluation = self.evaluation
        yield self.say(
            "lead", day=self.numbers.day(evaluation.as_of), compared=self.numbers.period(evaluation.compared)
        )
        net, chance = self.whole["net_return"], self.whole["return_probability"]
        if net["value"] is None:
            yield self.say("lead_no_return", reason=self.note(net))
        else:
            yield self.say(
                "lead_return",
                net=self.number(net, "value"),
                interval=self.interval(net),
                costs=self.number(self.whole["total_costs"], "value"),
                probability=self.number(chance, "value"),
            )
        slowest = next((row for row in self.rows if row["metric"] == "slowest_mode" and row["of"]), None)
        if slowest is not None:
            yield self.say("lead_slowest", mode=self.of(slowest), days=self.number(slowest, "value"))

    def key_figures(self) -> Iterator[KeyFigure]:
        """Yield the metrics :data:`KEY_METRICS` that have a value, with their change or their interval."""
        for name in KEY_METRICS:
            row = self.whole.get(name)
            if row is None or row["value"] is None:
                continue
            change = self.change(row)
            note = self.say("change", change=change) if change else self.interval(row)
            yield KeyFigure(self.number(row, "value"), self.title(name), note)

    def goals(self) -> Iterator[Section]:
        """Yield a section that compares metrics with their goals; nothing without goals."""
        rows = [row for row in self.rows if row["goal"] is not None]
        if not rows:
            return
        columns = (
            self.column("metric"),
            self.column("value", numeric=True),
            self.column("goal"),
            self.column("status"),
        )
        cells = tuple(
            (self.title(row["metric"]), self.number(row, "value"), self.goal(row), self.status(row)) for row in rows
        )
        yield Section(self.say("goals_title"), (ReportTable(self.caption(self.say("goals_title")), columns, cells),))

    def goal(self, row: Row) -> str:
        """Return the goal of a row as text, such as ``≤ 14 days`` for the goal ``<= 14``."""
        sign, _, number = row["goal"].partition(" ")
        return f"{'≤' if sign == '<=' else '≥'} {self.number({**row, 'goal': float(number)}, 'goal')}"

    def status(self, row: Row) -> str:
        """Return whether the goal of a row is reached, as text."""
        if row["goal_reached"] is None:
            return self.say("unknown")
        return self.say("goal_met" if row["goal_reached"] else "goal_missed")

    def section(self, name: str) -> Section:
        """Return a section: a table of its metrics with a value, and their notes."""
        names = ("value", "interval", "n", "previous", "change")
        columns = (self.column("metric"), *(self.column(each, numeric=True) for each in names))
        cells, notes = [], dict[str, list[str]]()
        for row in self.rows_of(name):
            title = self.title(row["metric"])
            label = f"{title}: {self.of(row)}" if row["of"] else title
            count = "" if row["n"] is None else self.numbers.count(row["n"])
            cells.append(
                (label, self.number(row, "value"), self.interval(row), count, self.number(row, "previous"),
                 self.change(row))
            )  # fmt: skip
            if row["note"] and not row["of"]:
                notes.setdefault(self.note(row), []).append(title)
        table = ReportTable(self.caption(self.say(f"section.{name}")), columns, tuple(cells))
        facts = tuple((" · ".join(titles), note) for note, titles in notes.items())
        return Section(self.say(f"section.{name}"), (table, *([Facts(facts)] if facts else [])))

    def missing(self) -> Iterator[Section]:
        """Yield a section with the metrics without a value and the reasons; nothing if all have a value."""
        rows = [row for row in self.rows if row["value"] is None]
        if rows:
            title = self.say("missing_title")
            columns = (self.column("metric"), self.column("note"))
            cells = tuple(
                (
                    f"{self.title(row['metric'])}: {self.of(row)}" if row["of"] else self.title(row["metric"]),
                    self.note(row),
                )
                for row in rows
            )
            yield Section(title, (ReportTable(self.caption(title), columns, cells),))

    def definitions(self) -> Section:
        """Return a folded section with the definition of each metric."""
        facts = tuple((self.title(name), self.say(f"metrics.{name}.definition")) for name in load_metrics())
        return Section(self.say("definitions_title"), (Facts(facts),), folded=True)

    def caption(self, title: str) -> str:
        """Return the caption of a table: title and period."""
        return f"{title} · {self.numbers.period(self.evaluation.period)}"

    def column(self, name: str, *, numeric: bool = False) -> TableColumn:
        return TableColumn(self.say(f"column.{name}"), numeric=numeric)

    def title(self, metric: str) -> str:
        return self.say(f"metrics.{metric}.title")

    def note(self, row: Row) -> str:
        """Return the note of a row in the language of the document."""
        return self.say(f"note.{self.evaluation.notes[row['metric'], row['of']]}")

    def of(self, row: Row) -> str:
        """Return the name of the group of a row (``of``): translated for states and modes, else unchanged."""
        kind = load_metrics()[row["metric"]].of
        if kind == "move":
            return ARROW.join(self.called("mode", each) for each in row["of"].split(ARROW))
        return self.called(kind, row["of"])

    def called(self, kind: str, code: str) -> str:
        """Return the translated name of a code, such as a state of an entry; without a translation the code."""
        return self.words.called(kind, code) or harmless(code)

    def number(self, row: Row, name: str, *, signed: bool = False) -> str:
        """Return a number of a row as text with the unit of its metric; an empty text for null.

        ``name`` is the column, ``signed`` whether a positive number gets a plus sign.
        """
        value = row[name]
        if value is None:
            return ""
        unit, numbers = load_metrics()[row["metric"]].unit, self.numbers
        if unit == MONEY:
            return numbers.money(value, signed=signed)
        if unit == SHARE:
            return numbers.share(value, 1, signed=signed)
        text = numbers.count(value, signed=signed) if value == round(value) else numbers.decimal(value, signed=signed)
        if unit == COUNT:
            return text
        key = {DAYS: "days", HOURS: "hours", MONTHS: "months"}[unit]
        return self.say(key, value, **{key: text})

    def change(self, row: Row) -> str:
        """Return the change from the previous period as text; for a share in percentage points; empty for null."""
        if row["change"] is not None and load_metrics()[row["metric"]].unit == SHARE:
            return self.say("points", points=self.numbers.decimal(100 * row["change"], signed=True))
        return self.number(row, "change", signed=True)

    def interval(self, row: Row) -> str:
        """Return the 95 % interval of a row as text; empty without one."""
        if row["low"] is None:
            return ""
        high = self.say("open_end") if row["high"] is None else self.number(row, "high")
        return self.say("interval", low=self.number(row, "low"), high=high)
