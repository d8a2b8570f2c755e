"""The page of ``ckm feedback-mine`` as a document, in six languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ckm._feedback.topic_space import OTHER
from ckm.io.values.word_lists import load_data
from ckm.plaintext import harmless
from ckm.remark import importance_of
from ckm.render.document import Document, Items, KeyFigure, ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import Any

    from ckm._feedback.result import Feedback
    from ckm.render.document import Block

WORDS = "feedback_page.yaml"
COLUMNS = (
    "topic", "product", "competitor", "segment", "channel", "lang", "kind", "comments", "customers", "share", "trend",
    "polarity", "open", "open_days", "revenue", "value_at_risk", "entries",
)  # fmt: skip


class NumberFormat(Protocol):
    """Formatter of numbers and dates in a language."""

    def count(self, value: float, *, signed: bool = False) -> str:
        """Format a whole number."""

    def decimal(self, value: float, digits: int = 1, *, signed: bool = False) -> str:
        """Format a number with decimals."""

    def share(self, value: float) -> str:
        """Format a share as a percentage."""

    def day(self, value: date) -> str:
        """Format a date."""


class ReportWords(Protocol):
    """Texts of the loyalty report in a language."""

    def say(self, key: str, n: float | None = None, /, **values: str) -> str:
        """Return the text of a key with its placeholders filled; ``n`` selects the plural form."""


def feedback_document(found: Feedback, lang: str, numbers: NumberFormat, report_words: ReportWords) -> Document:
    """Return the page of a result as a document, which :func:`ckm.render.page.render_page` renders as HTML.

    Parameters
    ----------
    found
        Result of :func:`ckm.feedback.feedback`.
    lang
        Language of the page: one of the keys of ``ckm/data/feedback_page.yaml``.
    numbers
        Formatter of numbers and dates in this language.
    report_words
        Texts of the loyalty report in the language.
    """
    words = load_data(WORDS)[lang]
    titles = {topic.id: topic.title_in(lang) for topic in found.topics} | {OTHER: words["other"]}
    topics = found.topic_frame
    growing = topics.filter(topics["growing"])
    unanswered = [topic for topic in found.unanswered if topic in titles]
    blocks: list[Block] = [_table(found, words, titles, numbers)]
    if not _has_value_at_risk(found):
        blocks.append(Text(words["no_value_at_risk"]))
    sections = [Section(words["topics"], tuple(blocks))]
    if growing.height:
        items = tuple(_grew(row, words, titles, numbers) for row in growing.iter_rows(named=True))
        sections.insert(0, Section(words["growing"], (Items(items),)))
    if found.competitors.height:
        sections.append(Section(words["competitors"], (_competitors(found, words, numbers),)))
    if unanswered:
        sections.append(
            Section(
                words["unanswered"], (Text(words["unanswered_text"]), Items(tuple(titles[each] for each in unanswered)))
            )
        )
    if found.remarks:
        sections.append(
            Section(report_words.say("section.data_quality"), tuple(_remarks(found, lang, numbers, report_words)))
        )
    return Document(
        title=words["title"],
        subtitle=f"{numbers.day(found.since)} – {numbers.day(found.as_of)}",
        lead=words["lead"],
        sections=tuple(sections),
        key_figures=(
            KeyFigure(numbers.count(found.comments), words["comments"]),
            KeyFigure(numbers.count(sum(topics["topic"] != OTHER)), words["topics"]),
            KeyFigure(numbers.count(growing.height), words["growing"]),
            KeyFigure(numbers.count(len(unanswered)), words["unanswered"]),
        ),
        footer=words["footer"],
        lang=lang,
        direction="rtl" if lang == "fa" else "ltr",
    )


def _grew(row: dict[str, Any], words: dict[str, str], titles: dict[str, str], numbers: NumberFormat) -> str:
    """Return the sentence about a growing topic, with its products."""
    now, before = numbers.count(row["comments"]), numbers.count(row["comments_before"])
    grew = words["grew"].format(topic=titles[row["topic"]], now=now, before=before)
    return f"{grew} ({words['product']}: {row['products']})" if row["products"] else grew


def _has_value_at_risk(found: Feedback) -> bool:
    return found.frame["value_at_risk"].is_not_null().any()


def _remarks(found: Feedback, lang: str, numbers: NumberFormat, report_words: ReportWords) -> Iterator[Block]:
    """Return the number of remarks; in English also the remarks, most important first, which are not translated."""
    count = len(found.remarks)
    yield Text(report_words.say("text.remarks", count, count=numbers.count(count)))
    if lang == "en":
        yield Items(tuple(harmless(each) for each in sorted(found.remarks, key=importance_of)))


def _table(found: Feedback, words: dict[str, str], titles: dict[str, str], numbers: NumberFormat) -> ReportTable:
    frame = found.frame
    hidden = () if _has_value_at_risk(found) else ("value_at_risk",)
    names = [name for name in COLUMNS if name in frame.columns and name not in hidden]
    rows = tuple(
        tuple(_cell(name, row[name], titles, numbers) for name in names) for row in frame.iter_rows(named=True)
    )
    texts = ("topic", "product", "competitor", "segment", "channel", "lang", "kind", "entries")
    columns = tuple(TableColumn(_title(name, words, found), numeric=name not in texts) for name in names)
    return ReportTable(words["topics"], columns, rows)


def _title(name: str, words: dict[str, str], found: Feedback) -> str:
    return (
        f"{words[name]} ({found.currency})" if name in ("revenue", "value_at_risk") and found.currency else words[name]
    )


def _cell(name: str, value: Any, titles: dict[str, str], numbers: NumberFormat) -> str:
    if name == "topic":
        return titles.get(value, str(value))
    if value is None:
        return ""
    if name == "share":
        return numbers.share(value)
    if name == "trend":
        return numbers.decimal(100 * value, 0, signed=True) + " %"
    if name == "polarity":
        return numbers.decimal(value, 2, signed=True)
    return numbers.count(value) if isinstance(value, int | float) else str(value)


def _competitors(found: Feedback, words: dict[str, str], numbers: NumberFormat) -> ReportTable:
    columns = (
        TableColumn(words["competitor"]),
        TableColumn(words["comments"], numeric=True),
        TableColumn(words["polarity"], numeric=True),
    )

    def rows() -> Iterator[tuple[str, ...]]:
        for row in found.competitors.iter_rows(named=True):
            cells = (_cell(name, row[name], {}, numbers) for name in ("comments", "polarity"))
            yield (row["competitor"], *cells)

    return ReportTable(words["competitors"], columns, tuple(rows()))
