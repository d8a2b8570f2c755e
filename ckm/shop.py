"""The object that :func:`ckm.open` returns: a source with all analyses as methods."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm.dataset import AS_FOUND
from ckm.dataset.source import dataset_of
from ckm.errors import UsageError
from ckm.ingest.options import IngestOptions
from ckm.io.readers.hints import Hints

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

    from ckm._feedback.result import Feedback
    from ckm._kb.search_result import SearchResult
    from ckm._network.result import Network
    from ckm._profile.result import CustomerProfile
    from ckm._segment.result import Segmentation
    from ckm.audience import Audience
    from ckm.check import CheckReport
    from ckm.churn import ChurnWarnings
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.evaluate import Evaluation
    from ckm.forecast import DemandForecast
    from ckm.ingest.files import IngestResult
    from ckm.link import LinkResult
    from ckm.loyalty import Loyalty
    from ckm.needs import Needs, NextItems
    from ckm.nightly import NightlyResult
    from ckm.outcome import Outcome
    from ckm.privacy import ErasureResult, PersonalDataResult, PseudonymisedCopy, RetentionResult
    from ckm.runs import Runs


ENGINE_ARGUMENTS: Mapping[str, Any] = {"engine": "polars", "partitions": None, "master": None}
"""Arguments of ``segment()``, ``churn()`` and ``loyalty()`` that choose the engine, with their defaults."""


def open_shop(
    source: Source = None,
    *,
    map: str | os.PathLike[str] | None = None,  # noqa: A002  # called as the option of the commands is
    columns: Mapping[str, str] | None = None,
    currency: str | None = None,
    time_zone: str | None = None,
    **hints: Any,
) -> Shop:
    """Open the data of a shop.

    Data are read on first use.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, by its path; a table of transactions with the Arrow interface
        (polars, pandas 2.2 or newer, pyarrow, DuckDB); None for the workspace around the current folder.
    map
        A mapping file for a file or a table.
    columns
        Target to source column, such as ``{"order_id": "Belegnummer"}``; overrides names and the mapping's columns.
    currency
        Currency of amounts without a currency column.
    time_zone
        Time zone of times without one.
    **hints
        Format hints, the attributes of :class:`ckm.io.readers.hints.Hints`: ``encoding``, ``delimiter``,
        ``dates``, ``decimal``, ``sheet`` and so on.

    Examples
    --------
    >>> shop = open_shop("shop")  # doctest: +SKIP
    >>> shop.churn(horizon="90d").save("call.csv")  # doctest: +SKIP
    """
    map_file = None if map is None else Path(map)
    return Shop(
        source,
        IngestOptions(
            map_file=map_file,
            hints=Hints(**hints),
            overrides=dict(columns or {}),
            currency=currency,
            time_zone=time_zone,
        ),
    )


@dataclass(frozen=True)
class Shop:
    """A workspace, a file, a folder or a table of transactions, with its analyses.

    Every call reads the workspace again, so that new loads are included.

    Attributes
    ----------
    source
        Source as for :func:`open_shop`.
    options
        Mapping and format options of a file or a table.
    """

    source: Source = None
    options: IngestOptions = AS_FOUND

    def dataset(self, *, by_customer: bool = False) -> Dataset:
        """Return the present tables."""
        return dataset_of(self.source, self.options, by_customer=by_customer)

    @property
    def tables(self) -> dict[str, pl.LazyFrame]:
        """Tables by name, as lazy frames."""
        return self.dataset().tables

    def segment(self, **wanted: Any) -> Segmentation:
        """Assign every customer a named segment: :func:`ckm.segment.segment`."""
        from ckm.segment import segment

        return segment(self._sales(wanted), **wanted)

    def churn(self, **wanted: Any) -> ChurnWarnings:
        """Predict churn, with reasons and recommended actions: :func:`ckm.churn.churn`."""
        from ckm.churn import churn

        return churn(self._sales(wanted), **wanted)

    def loyalty(self, **wanted: Any) -> Loyalty:
        """Return the loyalty report: :func:`ckm.loyalty.loyalty`."""
        from ckm.loyalty import loyalty

        return loyalty(self._sales(wanted), **wanted)

    def _sales(self, wanted: Mapping[str, Any]) -> Dataset:
        """Return the tables of an analysis by customer with the arguments ``wanted``."""
        from ckm.partitions.engine import Engine

        engine = Engine.of(*(wanted.get(name, default) for name, default in ENGINE_ARGUMENTS.items()))
        return engine.dataset(self.source, self.options)

    def profile(self, customer_id: str, **wanted: Any) -> CustomerProfile:
        """Return all that is known of one customer: :func:`ckm.profile.profile`."""
        from ckm.profile import profile

        return profile(self.dataset(by_customer=True), customer_id, **wanted)

    def network(self, **wanted: Any) -> Network:
        """Return groups, partners, contacts and referrals with findings by money: :func:`ckm.network.network`."""
        from ckm.network import network

        return network(self.dataset(by_customer=True), **wanted)

    def feedback(self, **wanted: Any) -> Feedback:
        """Find the topics of what customers say: :func:`ckm.feedback.feedback`."""
        from ckm.dataset.comments_file import comments_dataset
        from ckm.feedback import feedback

        return feedback(comments_dataset(self.source, self.options), **wanted)

    def check(self, **wanted: Any) -> CheckReport:
        """Check the data quality of the tables: :func:`ckm.check.check`."""
        from ckm.check import check

        return check(self.dataset(), **wanted)

    def ingest(self, *files: str | os.PathLike[str], table: str | None = None, **options: Any) -> IngestResult:
        """Load files into the workspace: :func:`ckm.ingest.ingest`.

        Parameters
        ----------
        *files
            Files or folders; default: the files that match the mappings in ``maps/``.
        table
            Target table; columns are mapped by name.
        **options
            Further options of :class:`ckm.ingest.options.IngestOptions` and of :func:`ckm.ingest.ingest`.
        """
        from ckm.ingest import ingest

        of_files = {each.name for each in fields(IngestOptions)}
        reading = {name: options.pop(name) for name in of_files & options.keys()}
        return ingest(self._root(), *files, options=IngestOptions(table=table, **reading), **options)

    def link(self, **wanted: Any) -> LinkResult:
        """Find the customer ids of one person, and write them to ``identities.csv``: :func:`ckm.link.link`."""
        from ckm.link import link

        return link(self._root(), **wanted)

    def erase(self, *ids: str, **wanted: Any) -> ErasureResult:
        """Erase customers from the workspace and from later loads: :func:`ckm.privacy.erase`."""
        from ckm.privacy import erase

        return erase(self._root(), *ids, **wanted)

    def export(self, *ids: str) -> PersonalDataResult:
        """Return all that the workspace has on a customer: :func:`ckm.privacy.export`."""
        from ckm.privacy import export

        return export(self._root(), *ids)

    def pseudonymise(self, folder: str | os.PathLike[str], *, key: str | os.PathLike[str]) -> PseudonymisedCopy:
        """Write a copy of the tables without persons: :func:`ckm.privacy.pseudonymise`."""
        from ckm.privacy import pseudonymise

        return pseudonymise(self._root(), folder, key=key)

    def retention(self, **wanted: Any) -> RetentionResult:
        """Count rows that are older than ckm.yaml allows, or remove them: :func:`ckm.privacy.retention`."""
        from ckm.privacy import retention

        return retention(self._root(), **wanted)

    def audience(self, name: str, *, origin: str, **wanted: Any) -> Audience:
        """Make a frozen audience with a holdout: :func:`ckm.audience.new`."""
        from ckm.audience import new

        return new(self.dataset(by_customer=True), name, origin=origin, **wanted)

    def outcome(self, name: str, **wanted: Any) -> Outcome:
        """Measure the outcome of an audience against its holdout: :func:`ckm.outcome.record`."""
        from ckm.outcome import record

        return record(self.dataset(by_customer=True), name, **wanted)

    def evaluate(self, **wanted: Any) -> Evaluation:
        """Return what the programme returns, and how efficiently: :func:`ckm.evaluate.evaluate`."""
        from ckm.evaluate import evaluate

        return evaluate(self.dataset(by_customer=True), **wanted)

    def nightly(self, **wanted: Any) -> NightlyResult:
        """Load new files, check, refit, warn and report in the workspace: :func:`ckm.nightly.nightly`."""
        from ckm.nightly import nightly

        return nightly(self._root(), **wanted)

    def forecast(self, **wanted: Any) -> DemandForecast:
        """Forecast the demand of the next weeks: :func:`ckm.forecast.forecast`."""
        from ckm.forecast import forecast

        return forecast(self.dataset(), **wanted)

    def needs(self, **wanted: Any) -> Needs:
        """Find emerging topics, categories bought next, and workarounds: :func:`ckm.needs.needs`."""
        from ckm.needs import needs

        return needs(self.dataset(by_customer=True), **wanted)

    def next_items(self, **wanted: Any) -> NextItems:
        """Return the items that each customer probably buys next: :func:`ckm.needs.next_items`."""
        from ckm.needs import next_items

        return next_items(self.dataset(by_customer=True), **wanted)

    def runs(self) -> Runs:
        """Return the recorded runs of the workspace: :func:`ckm.runs.runs`."""
        from ckm.runs import runs

        return runs(self._root())

    @property
    def kb(self) -> Knowledge:
        """Knowledge base of the workspace."""
        return Knowledge(self._root() / "kb")

    def _root(self) -> Path:
        found = dataset_of(self.source).workspace if not isinstance(self.source, str | os.PathLike) else None
        if found is not None:
            return found.root
        if isinstance(self.source, str | os.PathLike) and Path(self.source).is_dir():
            return Path(self.source)
        raise UsageError("this is not a workspace", hint="make one: ckm init DIR, and open it")


@dataclass(frozen=True)
class Knowledge:
    """A folder of knowledge entries."""

    folder: Path

    def search(
        self,
        query: str,
        *,
        as_of: date | None = None,
        limit: int = 10,
        filters: Mapping[str, Collection[str]] | None = None,
        roles: Collection[str] = (),
        prefer_lang: str = "",
        **wanted: Any,
    ) -> SearchResult:
        """Search entries: :func:`ckm.kb.search`, with its further options. The default of ``as_of`` is today."""
        from ckm.kb import search

        day = as_of or date.today()  # entries have no newest day that could be the default
        return search(
            self.folder,
            query,
            as_of=day,
            limit=limit,
            filters=filters,
            roles=roles,
            prefer_lang=prefer_lang,
            **wanted,
        )
