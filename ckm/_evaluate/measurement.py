"""One figure of an evaluation, and the sources from which all figures of a period are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from ckm._evaluate.entry_history import EntryHistory
    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.search_log import SearchLog
    from ckm._kb.shown_log import ShownLog
    from ckm._kb.usage_log import UsageLog
    from ckm._outcome.outcome_file import OutcomeRecord
    from ckm.assignments import Assignment
    from ckm.config import Config
    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.store import Store


@dataclass(frozen=True)
class Measurement:
    """A figure of a period.

    Attributes
    ----------
    metric
        Name in ``ckm/data/evaluation_metrics.yaml``.
    value
        The figure; None if it is not known.
    low, high
        Ends of its 95 % interval; None without one.
    n
        Number of observations: audiences, contacts, entries, searches; None if it is a count itself.
    of
        MeasuredAudience, state, mode or tier that the figure is about; empty for all together.
    note
        Code of the reason why the value is not known, or of what it leaves out; empty without one.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: str = ""
    note: str = ""


def unknown(note: str, *metrics: str) -> list[Measurement]:
    """Return metrics without a value, with the reason."""
    return [Measurement(metric, None, note=note) for metric in metrics]


def rate(metric: str, part: int, whole: int, note: str) -> Measurement:
    """Return a share with its Wilson interval; without a value and with ``note`` if there are no observations."""
    if not whole:
        return Measurement(metric, None, n=0, note=note)
    low, high = wilson(part, whole)
    return Measurement(metric, part / whole, low, high, whole)


@dataclass(frozen=True)
class MeasuredAudience:
    """An audience with its outcome; None if none was recorded."""

    assignment: Assignment
    outcome: OutcomeRecord | None


@dataclass(frozen=True)
class EvaluationSources:
    """What all figures are computed from.

    Attributes
    ----------
    config
        Settings.
    currency, time_zone
        Currency of amounts, and time zone of days.
    as_of
        As-of date: no later row is used.
    audiences
        Audiences with their outcomes.
    entries
        Knowledge entries as they are now.
    history
        Versions of the entries in git; None without a repository.
    searches, uses, shown
        The search log, the usage log, and the log of shown entries.
    interactions
        Complaints and questions: customer_id (String), kind, topic (String, lower case, empty if unknown), day (Date),
        resolved_on (Date or null), sorted by customer, topic and day; None without the table.
    memberships
        Snapshots of the members of the loyalty programme; None without the table.
    ledger
        Purchases and returns of all customers.
    store
        Store with saved runs.
    """

    config: Config
    currency: str
    time_zone: str
    as_of: date
    audiences: Sequence[MeasuredAudience]
    entries: Sequence[KnowledgeEntry]
    history: EntryHistory | None
    searches: SearchLog
    uses: UsageLog
    shown: ShownLog
    interactions: pl.DataFrame | None
    memberships: pl.LazyFrame | None
    ledger: Ledger
    store: Store

    def audiences_of(self, period: Period) -> list[MeasuredAudience]:
        """Return the audiences whose window ended in a period."""
        return [each for each in self.audiences if period.first <= each.assignment.last_day <= period.last]

    def entries_on(self, day: date) -> Sequence[KnowledgeEntry] | None:
        """Return the entries on a day: the present files for the as-of date, else those of git; None without git."""
        if day >= self.as_of:
            return self.entries
        return None if self.history is None else self.history.entries_on(day)
