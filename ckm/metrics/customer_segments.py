"""RFM segment of each customer, by the saved definition of the workspace or by one fitted for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from ckm._segment.apply import apply_definition
from ckm._segment.definition import TrainingData as Learning
from ckm._segment.library import Library
from ckm._segment.monetary import Monetary
from ckm._segment.rfm.definition import RfmDefinition, fit_rfm
from ckm.customers.dictionary import read_dictionary
from ckm.customers.features import FeatureTable, features_of
from ckm.errors import NotEnoughDataError, UsageError

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ckm._segment.definition import Definition
    from ckm._segment.definition_file import SavedDefinition
    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext

DEFAULT_NAME = "default"
"""Name of the saved definition that ``ckm segment`` uses without ``--by``."""


@dataclass(frozen=True)
class Segments:
    """Segments of customers.

    Attributes
    ----------
    frame
        customer_id and segment (String), sorted by ``customer_id``: one row per customer with a purchase.
    names
        Names of all segments, best first.
    remark
        Remark on the definition.
    """

    frame: pl.DataFrame
    names: tuple[str, ...]
    remark: str


def read_segments(context: ReportContext) -> Segments | None:
    """Return the segments of all customers; None if there are too few customers to fit a definition.

    The workspace's definition ``default`` is used if it exists; otherwise RFM scores are fitted for the report.
    Features are computed from the ledger; if a definition needs further ones, the transactions are read.

    Parameters
    ----------
    context
        Context of all customers.
    """
    saved = saved_definition(context, DEFAULT_NAME)
    if saved is None:
        table = rfm_table(context.ledger)
        try:
            return _assigned(
                fit_rfm(learning(context, table)), table, "segments by recency, frequency and money, cut now"
            )
        except NotEnoughDataError:
            return None
    remark = f"segments by definition '{saved.name}' version {saved.version}"
    if isinstance(saved.definition, RfmDefinition) and saved.monetary == Monetary():
        return _assigned(saved.definition, rfm_table(context.ledger), remark)
    found = apply_definition(saved, context.tables, as_of=context.as_of, ledger=context.ledger.of_anybody())
    names = tuple(each.name for each in saved.definition.segments)
    return Segments(found.kept.select("customer_id", "segment").sort("customer_id"), names, remark)


def saved_definition(context: ReportContext, name: str, *, of: str | None = None) -> SavedDefinition | None:
    """Return a saved definition of the workspace; None if it is missing, damaged or for other data.

    A damaged definition does not stop the report; ``ckm segment`` shows its error. With ``of``, a definition of another
    method counts as missing.
    """
    if context.workspace is None:
        return None
    try:
        saved = Library(context.workspace.root / "segments").find(name)
    except UsageError:
        return None
    if saved is None or of not in (None, saved.definition.method):
        return None
    ground = (saved.currency, saved.time_zone, saved.dictionary)
    return saved if ground == (context.ledger.currency, context.ledger.time_zone, read_dictionary().version) else None


def learning(context: ReportContext, table: FeatureTable) -> Learning:
    """Return the input for fitting a definition on ``table``; no earlier snapshot, so stability is not measured."""

    def never(day: date) -> NoReturn:
        raise NotEnoughDataError("the report does not check a definition on an earlier day; ckm segment does")

    return Learning(table, never, context.config.segment, context.seed)


def rfm_table(ledger: Ledger) -> FeatureTable:
    """Return recency, frequency and monetary value of all customers with a purchase."""
    return features_of(ledger, scope="rfm")


def _by_definition(context: ReportContext, saved: SavedDefinition) -> Segments | None:
    remark = f"segments by definition '{saved.name}' version {saved.version}"
    if isinstance(saved.definition, RfmDefinition) and saved.monetary == Monetary():
        return _assigned(saved.definition, rfm_table(context.ledger), remark)
    try:
        found = apply_definition(saved, context.tables, as_of=context.as_of, ledger=context.ledger.of_anybody())
    except UsageError:
        return _cut_now(context)
    names = tuple(each.name for each in saved.definition.segments)
    return Segments(found.kept.select("customer_id", "segment").sort("customer_id"), names, remark)


def _cut_now(context: ReportContext) -> Segments | None:
    table = rfm_table(context.ledger)
    try:
        return _assigned(fit_rfm(learning(context, table)), table, "segments by recency, frequency and money, cut now")
    except NotEnoughDataError:
        return None


def _assigned(definition: Definition, table: FeatureTable, remark: str) -> Segments:
    segment = definition.assign(table.frame).get_column("segment")
    return Segments(
        table.frame.select("customer_id").with_columns(segment),
        tuple(each.name for each in definition.segments),
        remark,
    )
