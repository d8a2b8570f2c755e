"""Model card as a document: findings and charts first, then use, data, features, limits and definitions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckm._churn.model_card import ATTRIBUTES, RECENCY, ModelCard, cut_off, metric_of
from ckm.render.chart_look import unchecked
from ckm.render.charts import Axis, ChartLine, Dots, Interval, dot_chart, line_chart
from ckm.render.document import Document, Facts, Figure, Items, KeyFigure, ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm._churn.model_card import CardColumns, CardDecile
    from ckm.render.chart_look import Tone
    from ckm.render.charts import Place
    from ckm.render.document import Block

READ_AT = tuple(step / 10 for step in range(11))
"""Shares contacted in the table of the gain curve."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

NAMED: dict[Tone, tuple[float, Place]] = {"accent": (0.3, "above"), "ink": (0.5, "below")}
"""By tone of a gain curve: the share contacted at which its label is, and the side. The curves of a model and of
recency are close to each other."""

GOOD_ERROR = 0.03
"""Calibration error of a decile up to which probabilities count as accurate: three percentage points."""
CONTACTED = 0.2
"""Share of customers contacted in the headline of the gain curve."""
NEARLY = 0.005
"""Largest difference of ROC AUC without a practical effect on a list."""


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
        values = tuple(value for each in card.of_model(model) if (value := metric_of(each, "roc_auc")) is not None)
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
    metrics = [words.metric(name) for name in ATTRIBUTES]
    if len(card.cut_offs) > 1:
        rows = tuple(
            (_called(model), *(metric.shown(card.mean(model, metric.name)) for metric in metrics[1:]))
            for model in card.models
        )
        columns = (TableColumn("Model"), *(TableColumn(metric.title, numeric=True) for metric in metrics[1:]))
        marked = frozenset({card.models.index(card.chosen)}) if card.chosen in card.models else frozenset()
        yield ReportTable(f"Means over {len(card.cut_offs)} cut-offs, equally weighted", columns, rows, marked)
    when: list[date | None] = list(card.cut_offs) or [None]
    for day in when:
        scores = [each for each in card.scores if cut_off(each) == day]
        rows = tuple(
            (_called(each.model), *(metric.shown(metric_of(each, metric.name)) for metric in metrics[2:]))
            for each in scores
        )
        columns = (TableColumn("Model"), *(TableColumn(metric.title, numeric=True) for metric in metrics[2:]))
        of = f"{scores[0].n:,} customers, churn rate {scores[0].base_rate:.1%}"
        where = f"Cut-off {day}" if day else "Cross-validated"
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


def reliability_finding(card: ModelCard) -> str:
    """Return a sentence on size and direction of past calibration errors, and the error expected in the next window."""
    total = sum(decile.n for decile in card.reliability)
    if not total:
        return "The accuracy of the probabilities is not known."
    if card.leaks:
        return f"All figures are unreliable: {_leaking(card)}."
    predicted = sum(decile.n * decile.predicted for decile in card.reliability) / total
    observed = sum(decile.n * decile.observed for decile in card.reliability) / total
    error = sum(decile.n * _off(decile) for decile in card.reliability) / total
    if _off(_furthest(card)) <= GOOD_ERROR:
        return (
            f"{_past(card)} the probabilities were accurate: the error of every decile was at most "
            f"{_off(_furthest(card)) * 100:.1f} points.{_ahead(card)}"
        )
    if error <= GOOD_ERROR:
        far = _furthest(card)
        return (
            f"{_past(card)} the probabilities had a mean error of {error * 100:.1f} points; the largest was in the "
            f"decile with a predicted churn rate of {far.predicted:.0%} and an observed one of {far.observed:.0%}."
            f"{_ahead(card)}"
        )
    if abs(predicted - observed) < error / 2:
        return (
            f"{_past(card)} the probabilities had a mean error of {error * 100:.1f} points, too high for some "
            f"customers and too low for others.{_ahead(card)}"
        )
    how = "too high" if predicted > observed else "too low"
    rates = f"predicted churn rate {predicted:.0%}, observed {observed:.0%}"
    return f"{_past(card)} the probabilities were {how}: {rates}.{_ahead(card)}"


def gain_finding(card: ModelCard) -> str:
    """Return a sentence on the share of churned customers that contacting 20 % reaches, compared with recency alone."""
    chosen, recency = card.gain(card.chosen), card.gain(RECENCY)
    if chosen is None:
        return ""
    reached = f"{chosen.at(CONTACTED):.0%} of the churned customers"
    sentence = f"Contacting the {CONTACTED:.0%} of customers at highest risk reaches {reached}"
    if recency is not None and card.chosen != RECENCY:
        alone = f"{recency.at(CONTACTED):.0%}"
        as_many = alone == f"{chosen.at(CONTACTED):.0%}"
        sentence += ", the same as by recency alone" if as_many else f", compared with {alone} by recency alone"
    base = card.mean(card.chosen, "base_rate")
    if base is not None and base > CONTACTED:
        sentence += f"; the maximum is {CONTACTED / base:.0%}"
    return sentence + _unless_leaked(card)


def models_finding(card: ModelCard) -> str:
    """Return a sentence on the ROC AUC of the chosen model, compared with recency alone."""
    mine, silence = card.mean(card.chosen, "roc_auc"), card.mean(RECENCY, "roc_auc")
    if mine is None:
        return f"{card.chosen} was selected; its ROC AUC is not known."
    sentence = f"{card.chosen} ranks the churned customer above the retained one in {mine:.1%} of all pairs"
    if silence is None or card.chosen == RECENCY:
        return sentence + _unless_leaked(card)
    if abs(mine - silence) <= NEARLY:
        return f"{sentence}, about the same as recency alone ({silence:.1%})."
    return f"{sentence}; recency alone in {silence:.1%}."


def _past(card: ModelCard) -> str:
    return "At past cut-offs" if card.cut_offs else "Out of fold"


def _ahead(card: ModelCard) -> str:
    """Return a sentence on the calibration error expected in the next window; empty for labelled data."""
    if card.horizon_days is None:
        return ""
    if card.expected_error is None:
        return " One cut-off is not enough for a prediction interval of the next calibration error."
    low, high = (100 * each for each in card.expected_error)
    return (
        f" In the next {card.horizon_days} days expect a calibration error of {low:.1f} to {high:.1f} points "
        "(80 % prediction interval)."
    )


def _off(decile: CardDecile) -> float:
    return abs(decile.predicted - decile.observed)


def _furthest(card: ModelCard) -> CardDecile:
    return max(card.reliability, key=_off)


def _leaking(card: ModelCard) -> str:
    names = ", ".join(card.leaks)
    if len(card.leaks) == 1:
        return f"column {names} reveals the label and was most likely filled in after the outcome"
    return f"columns {names} reveal the label and were most likely filled in after the outcome"


def _unless_leaked(card: ModelCard) -> str:
    return f"; unreliable because of {', '.join(card.leaks)}." if card.leaks else "."
