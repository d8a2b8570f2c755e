"""The model card of a churn model as a document: findings first, then how they came about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckm.churning.card import RECENCY, SCORED, ModelCard
from ckm.report.card_findings import gain_finding, models_finding, reliability_finding
from ckm.report.chart_look import unchecked
from ckm.report.charts import Axis, ChartLine, Dots, Interval, dot_chart, line_chart
from ckm.report.document import Document, Facts, Figure, Items, KeyFigure, ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.churning.card import CardColumns
    from ckm.report.chart_look import Tone
    from ckm.report.charts import Place
    from ckm.report.document import Block

READ_AT = tuple(step / 10 for step in range(11))
"""Shares contacted in the table of the gain curve."""
TENTHS = (0.0, 0.25, 0.5, 0.75, 1.0)

NAMED: dict[Tone, tuple[float, Place]] = {"accent": (0.3, "above"), "ink": (0.5, "below")}
"""Share contacted at which a gain curve is named, and the side: a model and plain recency run close to each other."""


@unchecked()
def card_document(card: ModelCard) -> Document:
    """Return the document of a model card: :func:`ckm.report.page.render_page` or ``render_markdown`` writes it."""
    words = card.words
    sections = [
        Section("Columns that give the label away", tuple(_leaks(card))),
        Section("How right it is", tuple(_figures(card))),
        Section("The models in numbers", (Text(card.chosen_because), *_not_compared(card), *_score_tables(card))),
        Section("What it is for", (Items(words.purpose),)),
        Section("What it is not for", (Items(words.not_for),)),
        Section("Data", (Facts(tuple(_data_facts(card))),)),
        Section("What it looks at", tuple(_features(card))),
    ]
    if card.assumptions:
        sections.append(Section("Assumptions", (Facts(card.assumptions),)))
    sections += [
        Section("Limits", (Items(words.limits),)),
        Section("What the figures mean", (_definitions(card),)),
    ]
    made_by = ", ".join(f"{name} {version}" for name, version in card.versions)
    return Document(
        title=_title(card),
        lead=f"{card.question} {reliability_finding(card)}",
        key_figures=tuple(_key_figures(card)),
        sections=tuple(section for section in sections if section.blocks),
        footer=f"Made with {made_by}." if made_by else "",
    )


def _title(card: ModelCard) -> str:
    if card.horizon_days is None:
        return "Model card: churn warning"
    return f"Model card: churn warning, {card.horizon_days} days ahead"


def _key_figures(card: ModelCard) -> Iterator[KeyFigure]:
    words = card.words
    held = f"{words.metric('roc_auc').shown(card.mean(RECENCY, 'roc_auc'))} by silence alone"
    beside = held if card.mean(RECENCY, "roc_auc") is not None else ""
    if card.leaks:
        beside = f"not to be relied on: {', '.join(card.leaks)}"
    yield KeyFigure(
        words.metric("roc_auc").shown(card.mean(card.chosen, "roc_auc")), f"ROC AUC of {card.chosen}", beside
    )
    error = card.mean(card.chosen, "calibration_error")
    if error is not None:
        many = "mean of the cut-offs" if len(card.cut_offs) > 1 else "0 is best"
        yield KeyFigure(f"{error * 100:.1f} points", "Calibration error", many)
    lift = card.mean(card.chosen, "lift_top_tenth")
    if lift is not None:
        yield KeyFigure(f"{lift:.1f} ×", "as many churned customers in the top decile as on average")
    base = card.mean(card.chosen, "base_rate")
    if base is not None:
        yield KeyFigure(f"{base:.0%}", "Churned customers", _tried(card))


def _tried(card: ModelCard) -> str:
    number = len(card.cut_offs)
    return f"at {number} cut-off{'' if number == 1 else 's'}" if number else "in the labelled data"


def _figures(card: ModelCard) -> Iterator[Block]:
    if card.reliability:
        yield _reliability_figure(card)
    if card.gain(card.chosen) is not None:
        yield _gain_figure(card)
    if len(card.models) > 1:
        yield _models_figure(card)


def _reliability_figure(card: ModelCard) -> Figure:
    words = card.words
    points = [Interval(tenth.said, tenth.came, *tenth.interval) for tenth in card.reliability]
    low, high = _span([end for point in points for end in (point.x, point.low, point.high)])
    diagonal = tuple((each, each) for each in (low, (low + high) / 2, high))
    shown = [
        (
            str(number),
            f"{tenth.n:,}",
            *(
                words.metric(name).shown(value)
                for name, value in zip(
                    ("said", "came", "came_low", "came_high"), (tenth.said, tenth.came, *tenth.interval), strict=True
                )
            ),
        )
        for number, tenth in enumerate(card.reliability, start=1)
    ]
    titles = ("Tenth", "Customers", "Predicted", "Observed", "95 % from", "to")
    return Figure(
        headline=reliability_finding(card),
        description="Reliability curve: predicted against observed churn rate, by decile of the customers. "
        "The numbers are in the table beneath.",
        specification=line_chart(
            [ChartLine("as predicted", diagonal, "muted", dashed=True, named_at=1, place="below")],
            Axis("Predicted churn probability", ".0%", (low, high)),
            Axis("Churn rate", ".0%", (low, high)),
            points=points,
        ),
        table=ReportTable(
            f"Predicted and observed shares of {card.chosen}, by tenth",
            tuple(TableColumn(title, numeric=True) for title in titles),
            tuple(shown),
        ),
        note=f"A dot is a tenth of the customers{'' if card.labelled else ', all cut-offs together'}; its bar is the "
        "95 % interval of the churn rate. On the dashed line, what was predicted came.",
    )


def _span(values: list[float]) -> tuple[float, float]:
    # in whole tenths; most shops need a part of the square only, and see nothing of it in the whole
    return math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10


def _gain_figure(card: ModelCard) -> Figure:
    chosen, recency = card.gain(card.chosen), card.gain(RECENCY)
    assert chosen is not None
    lines = [
        ChartLine("by chance", ((0.0, 0.0), (0.75, 0.75), (1.0, 1.0)), "muted", dashed=True, named_at=1, place="below"),
        _gain_line(chosen.model, chosen.contacted, chosen.caught, "accent"),
    ]
    columns = [TableColumn("Contacted", numeric=True), TableColumn(card.chosen, numeric=True)]
    curves = [chosen]
    if recency is not None and card.chosen != RECENCY:
        lines.append(_gain_line("by silence alone", recency.contacted, recency.caught, "ink"))
        columns.append(TableColumn("by silence alone", numeric=True))
        curves.append(recency)
    columns.append(TableColumn("by chance", numeric=True))
    rows = tuple((f"{share:.0%}", *(f"{curve.at(share):.1%}" for curve in curves), f"{share:.0%}") for share in READ_AT)
    return Figure(
        headline=gain_finding(card),
        description="Gain curve: share of the churned customers reached by share of the customers contacted. "
        "The numbers are in the table beneath.",
        specification=line_chart(
            lines,
            Axis("Share of customers contacted, highest risk first", ".0%", (0.0, 1.0), TENTHS),
            Axis("Share of churned customers reached", ".0%", (0.0, 1.0), TENTHS),
        ),
        table=ReportTable(
            "Share of the churned customers reached by contacting a share of the customers", tuple(columns), rows
        ),
        note="The further a line rises above chance, the fewer contacts are wasted on those who would have stayed.",
    )


def _gain_line(name: str, x: tuple[float, ...], y: tuple[float, ...], tone: Tone) -> ChartLine:
    wanted, place = NAMED[tone]
    position = min(range(len(x)), key=lambda each: abs(x[each] - wanted))
    return ChartLine(name, tuple(zip(x, y, strict=True)), tone, named_at=position, place=place)


def _models_figure(card: ModelCard) -> Figure:
    words = card.words
    metric = words.metric("roc_auc")
    ranked = sorted(card.models, key=lambda each: (-(card.mean(each, "roc_auc") or 0.0), each))
    dots: list[Dots] = []
    rows: list[tuple[str, ...]] = []
    for model in ranked:
        values = tuple(value for each in card.of_model(model) if (value := each.value("roc_auc")) is not None)
        mean = card.mean(model, "roc_auc")
        if mean is None:
            continue
        tone: Tone = "accent" if model == card.chosen else "muted" if model == RECENCY else "ink"
        dots.append(Dots(_called(model), values if len(values) > 1 else (), mean, metric.shown(mean), tone))
        rows.append((_called(model), metric.shown(mean), metric.shown(min(values)), metric.shown(max(values))))
    titles = ("Model", "Mean", "Lowest", "Highest")
    many = len(card.cut_offs) > 1
    return Figure(
        headline=models_finding(card),
        description="ROC AUC of each model, as dots. The numbers are in the table beneath.",
        specification=dot_chart(dots, Axis("ROC AUC", ".3f")),
        table=ReportTable(
            "ROC AUC by model" + ("" if card.labelled else ", over the cut-offs"),
            tuple(TableColumn(title, numeric=title != "Model") for title in titles),
            tuple(rows),
        ),
        note="A large dot is the mean of the cut-offs, a small one a single cut-off. " * many
        + "0.5 would be chance, 1 perfect.",
    )


def _called(model: str) -> str:
    return "silence alone" if model == RECENCY else model


def _score_tables(card: ModelCard) -> Iterator[ReportTable]:
    words = card.words
    metrics = [words.metric(name) for name in SCORED]
    if len(card.cut_offs) > 1:
        rows = tuple(
            (_called(model), *(metric.shown(card.mean(model, metric.name)) for metric in metrics[1:]))
            for model in card.models
        )
        columns = (TableColumn("Model"), *(TableColumn(metric.title, numeric=True) for metric in metrics[1:]))
        marked = frozenset({card.models.index(card.chosen)}) if card.chosen in card.models else frozenset()
        yield ReportTable(f"Means over {len(card.cut_offs)} cut-offs, each weighing the same", columns, rows, marked)
    when: list[date | None] = list(card.cut_offs) or [None]
    for cut_off in when:
        scores = [each for each in card.scores if each.cut_off == cut_off]
        rows = tuple(
            (_called(each.model), *(metric.shown(each.value(metric.name)) for metric in metrics[2:])) for each in scores
        )
        columns = (TableColumn("Model"), *(TableColumn(metric.title, numeric=True) for metric in metrics[2:]))
        of = f"{scores[0].n:,} customers, of whom {scores[0].base_rate:.1%} left"
        where = f"Cut-off {cut_off}" if cut_off else "Cross-validated"
        marked = frozenset(number for number, each in enumerate(scores) if each.model == card.chosen)
        yield ReportTable(f"{where}: {of}", columns, rows, marked, folded=len(when) > 1)


def _not_compared(card: ModelCard) -> Iterator[Text]:
    for model, reason in card.not_compared:
        yield Text(f"Not compared: {model}, because {reason}.")


def _data_facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    data = card.data
    if card.as_of is not None:
        yield "As of", f"{card.as_of}; nothing after it was read"
    if data.first_day is not None and data.last_day is not None:
        yield "Transactions", f"from {data.first_day} to {data.last_day}"
    yield "Customers", f"{data.customers:,}"
    if card.labelled:
        yield "With a label", f"{data.rows_used:,}; each was scored by models that had not seen it"
        yield "Without a label", f"{data.blank_labels:,}; they are in no figure here"
    else:
        yield "Rows used", f"{data.rows_used:,}"
    for reason, count in data.left_out:
        yield "Rows left out", f"{count:,}: {reason}"
    if card.horizon_days is not None:
        yield "Horizon", card.horizon_reasoning
    if card.cut_offs:
        yield "Cut-offs", ", ".join(map(str, card.cut_offs)) + "; at each, a model knows what was known on that day"


def _leaks(card: ModelCard) -> Iterator[Block]:
    if card.columns is None or not card.columns.leaks:
        return
    yield Text(
        "A column that tells the label by itself was most likely filled in after the outcome was known. Of a customer "
        "whose outcome is open it is then blank or another, and the model is wrong. Leave these columns out and run it "
        "again, unless they were known before:"
    )
    yield Items(tuple(f"{sentence}." for _, _, sentence in card.columns.leaks))


def _features(card: ModelCard) -> Iterator[Block]:
    if card.columns is not None:
        yield from _columns(card.columns)
    if card.features:
        yield ReportTable(
            "Features by group; the features of a group explain a score together",
            (TableColumn("Feature"), TableColumn("Group"), TableColumn("Meaning")),
            tuple((each.name, each.group, each.meaning) for each in card.features),
        )
    if card.missing:
        yield Text(f"Not in the data, and so not used: {', '.join(card.missing)}.")


def _columns(columns: CardColumns) -> Iterator[Block]:
    yield Text(f"Columns that it reads: {', '.join(columns.used)}.")
    if columns.all_different:
        yield Text(
            f"Of these, numbers that are different in every row: {', '.join(columns.all_different)}. One that only "
            "identifies a row is better left out."
        )
    if columns.left_out:
        yield Text(f"Left out: {', '.join(f'{name} ({reason})' for name, reason in columns.left_out)}.")


def _definitions(card: ModelCard) -> Facts:
    return Facts(
        tuple(
            (each.title, each.definition + (f" ({each.source})." if each.source else "."))
            for each in card.words.metrics
            if each.name not in {"came_low", "came_high"}
        )
    )
