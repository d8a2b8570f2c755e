"""Document of a churn model's model card: findings first, then data, methods and definitions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckm._churn.card_figures import RECENCY, SCORED, ModelCard
from ckm._churn.card_findings import gain_finding, models_finding, reliability_finding
from ckm.render.chart_look import unchecked
from ckm.render.charts import Axis, ChartLine, Dots, Interval, dot_chart, line_chart
from ckm.render.document import Document, Facts, Figure, Items, KeyFigure, ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm._churn.card_figures import CardColumns
    from ckm.render.chart_look import Tone
    from ckm.render.charts import Place
    from ckm.render.document import Block

READ_AT = tuple(step / 10 for step in range(11))
"""Shares contacted in the table of the gain curve."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

NAMED: dict[Tone, tuple[float, Place]] = {"accent": (0.3, "above"), "ink": (0.5, "below")}
"""Shares contacted at which the gain curves have their labels, and the side: the curves of a model and of recency are
close."""


@unchecked()
def card_document(card: ModelCard) -> Document:
    """Return the document of a model card: :func:`ckm.render.page.render_page` or ``render_markdown`` writes it."""
    words = card.words
    sections = [
        Section("Columns that reveal the label", tuple(_leaks(card))),
        Section("Accuracy", tuple(_figures(card))),
        Section("Model comparison", (Text(card.chosen_because), *_not_compared(card), *_score_tables(card))),
        Section("Intended use", (Items(words.purpose),)),
        Section("Out-of-scope use", (Items(words.not_for),)),
        Section("Data", (Facts(tuple(_data_facts(card))),)),
        Section("Features", tuple(_features(card))),
    ]
    if card.assumptions:
        sections.append(Section("Assumptions", (Facts(card.assumptions),)))
    sections += [
        Section("Limits", (Items(words.limits),)),
        Section("Definitions", (_definitions(card),)),
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
    held = f"{words.metric('roc_auc').shown(card.mean(RECENCY, 'roc_auc'))} by recency alone"
    beside = held if card.mean(RECENCY, "roc_auc") is not None else ""
    if card.leaks:
        beside = f"unreliable: {', '.join(card.leaks)} reveals the label"
    yield KeyFigure(
        words.metric("roc_auc").shown(card.mean(card.chosen, "roc_auc")), f"ROC AUC of {card.chosen}", beside
    )
    error = card.mean(card.chosen, "calibration_error")
    if error is not None:
        many = "mean of the cut-offs" if len(card.cut_offs) > 1 else "0 is best"
        yield KeyFigure(f"{error * 100:.1f} points", "Calibration error", many)
    lift = card.mean(card.chosen, "lift_top_decile")
    if lift is not None:
        yield KeyFigure(f"{lift:.1f} ×", "Lift of the top decile")
    base = card.mean(card.chosen, "base_rate")
    if base is not None:
        yield KeyFigure(f"{base:.0%}", "Churn rate", _tried(card))


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
    points = [Interval(decile.predicted, decile.observed, *decile.interval) for decile in card.reliability]
    low, high = _span([end for point in points for end in (point.x, point.low, point.high)])
    diagonal = tuple((each, each) for each in (low, (low + high) / 2, high))
    shown = [
        (
            str(number),
            f"{decile.n:,}",
            *(
                words.metric(name).shown(value)
                for name, value in zip(
                    ("predicted", "observed", "observed_low", "observed_high"),
                    (decile.predicted, decile.observed, *decile.interval),
                    strict=True,
                )
            ),
        )
        for number, decile in enumerate(card.reliability, start=1)
    ]
    titles = ("Decile", "Customers", "Predicted", "Observed", "95 % from", "to")
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
            f"Predicted and observed shares of {card.chosen}, by decile",
            tuple(TableColumn(title, numeric=True) for title in titles),
            tuple(shown),
        ),
        note=f"A dot is a decile of the customers{'' if card.labelled else ' over all cut-offs'}; its bar is the "
        "95 % confidence interval of the churn rate. On the dashed line, predicted and observed churn rate are equal.",
    )


def _span(values: list[float]) -> tuple[float, float]:
    # in steps of 0.1, because the points of most shops fill only a small part of the unit square
    return math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10


def _gain_figure(card: ModelCard) -> Figure:
    chosen, recency = card.gain(card.chosen), card.gain(RECENCY)
    assert chosen is not None
    lines = [
        ChartLine("by chance", ((0.0, 0.0), (0.75, 0.75), (1.0, 1.0)), "muted", dashed=True, named_at=1, place="below"),
        _gain_line(chosen.model, chosen.contacted, chosen.churned_reached, "accent"),
    ]
    columns = [TableColumn("Contacted", numeric=True), TableColumn(card.chosen, numeric=True)]
    curves = [chosen]
    if recency is not None and card.chosen != RECENCY:
        lines.append(_gain_line("by recency alone", recency.contacted, recency.churned_reached, "ink"))
        columns.append(TableColumn("by recency alone", numeric=True))
        curves.append(recency)
    columns.append(TableColumn("by chance", numeric=True))
    rows = tuple((f"{share:.0%}", *(f"{curve.at(share):.1%}" for curve in curves), f"{share:.0%}") for share in READ_AT)
    return Figure(
        headline=gain_finding(card),
        description="Gain curve: share of the churned customers reached by share of the customers contacted. "
        "The numbers are in the table beneath.",
        specification=line_chart(
            lines,
            Axis("Share of customers contacted, highest risk first", ".0%", (0.0, 1.0), TICKS),
            Axis("Share of churned customers reached", ".0%", (0.0, 1.0), TICKS),
        ),
        table=ReportTable(
            "Share of the churned customers reached by contacting a share of the customers", tuple(columns), rows
        ),
        note="The higher a curve lies above chance, the fewer contacts go to customers who do not churn.",
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
        note="A large dot is the mean over the cut-offs, a small dot is one cut-off. " * many
        + "0.5 is chance, 1 is perfect.",
    )


def _called(model: str) -> str:
    return "recency alone" if model == RECENCY else model


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
        yield ReportTable(f"Means over {len(card.cut_offs)} cut-offs, equally weighted", columns, rows, marked)
    when: list[date | None] = list(card.cut_offs) or [None]
    for cut_off in when:
        scores = [each for each in card.scores if each.cut_off == cut_off]
        rows = tuple(
            (_called(each.model), *(metric.shown(each.value(metric.name)) for metric in metrics[2:])) for each in scores
        )
        columns = (TableColumn("Model"), *(TableColumn(metric.title, numeric=True) for metric in metrics[2:]))
        of = f"{scores[0].n:,} customers, churn rate {scores[0].base_rate:.1%}"
        where = f"Cut-off {cut_off}" if cut_off else "Cross-validated"
        marked = frozenset(number for number, each in enumerate(scores) if each.model == card.chosen)
        yield ReportTable(f"{where}: {of}", columns, rows, marked, folded=len(when) > 1)


def _not_compared(card: ModelCard) -> Iterator[Text]:
    for model, reason in card.not_compared:
        yield Text(f"Not compared: {model} ({reason}).")


def _data_facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    data = card.data
    if card.as_of is not None:
        yield "As of", f"{card.as_of}; later rows are not used"
    if data.first_day is not None and data.last_day is not None:
        yield "Transactions", f"from {data.first_day} to {data.last_day}"
    yield "Customers", f"{data.customers:,}"
    if card.labelled:
        yield "With a label", f"{data.rows_used:,}; scored out of fold"
        yield "Without a label", f"{data.blank_labels:,}; no figure includes them"
    else:
        yield "Rows used", f"{data.rows_used:,}"
    for reason, count in data.left_out:
        yield "Rows excluded", f"{count:,}: {reason}"
    if card.horizon_days is not None:
        yield "Horizon", card.horizon_reasoning
    if card.cut_offs:
        yield (
            "Cut-offs",
            ", ".join(map(str, card.cut_offs)) + "; at each, a model is trained on the data known on that day",
        )


def _leaks(card: ModelCard) -> Iterator[Block]:
    if card.columns is None or not card.columns.leaks:
        return
    yield Text(
        "A column that reveals the label alone was most likely filled in after the outcome was known (target leakage). "
        "It is blank or different for customers with an unknown outcome, so their predictions are wrong. Remove these "
        "columns and run again, unless they were known before the outcome:"
    )
    yield Items(tuple(f"{sentence}." for _, _, sentence in card.columns.leaks))


def _features(card: ModelCard) -> Iterator[Block]:
    if card.columns is not None:
        yield from _columns(card.columns)
    if card.features:
        yield ReportTable(
            "Features by group; the reasons explain a score by group",
            (TableColumn("Feature"), TableColumn("Group"), TableColumn("Meaning")),
            tuple((each.name, each.group, each.meaning) for each in card.features),
        )
    if card.missing:
        yield Text(f"Not used, because their source data are missing: {', '.join(card.missing)}.")


def _columns(columns: CardColumns) -> Iterator[Block]:
    yield Text(f"Columns used: {', '.join(columns.used)}.")
    if columns.all_different:
        yield Text(
            f"Of these, numbers with a different value in every row: {', '.join(columns.all_different)}. Remove a "
            "column that only identifies the row."
        )
    if columns.left_out:
        yield Text(f"Columns not used: {', '.join(f'{name} ({reason})' for name, reason in columns.left_out)}.")


def _definitions(card: ModelCard) -> Facts:
    return Facts(
        tuple(
            (each.title, each.definition + (f" ({each.source})." if each.source else "."))
            for each in card.words.metrics
            if each.name not in {"observed_low", "observed_high"}
        )
    )
