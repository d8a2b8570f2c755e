"""Value of a metric in a period, and the data from which ``ckm evaluate`` computes all metrics."""

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
    """Value of a metric in a period.

    Attributes
    ----------
    metric
        Name of the metric in ``ckm/data/evaluation_metrics.yaml``, which has its unit.
    value
        The value; None if it is unknown.
    low, high
        Ends of the 95 % interval of the value; None without an interval. Only ``high`` is None if it has no upper end.
    n
        Number of observations (audiences, contacts, entries or searches); None if the value itself is a count.
    of
        Group to which the value belongs: name of an audience, a state, a mode, a move or a tier; empty for the total.
    note
        Code of a note: why the value is unknown, or what is missing from it; empty without a note.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: str = ""
    note: str = ""


def unknown(note: str, *metrics: str) -> list[Measurement]:
    """Return metrics without a value; ``note`` is the code of the reason."""
    return [Measurement(metric, None, note=note) for metric in metrics]


def rate(metric: str, part: int, whole: int, note: str) -> Measurement:
    """Return the share ``part / whole`` with its 95 % Wilson interval; the value is None if ``whole`` is 0.

    Parameters
    ----------
    metric
        Name of the metric.
    part, whole
        Number of observations with the property, and number of all observations.
    note
        Code of the reason if there are no observations.
    """
    if not whole:
        return Measurement(metric, None, n=0, note=note)
    low, high = wilson(part, whole)
    return Measurement(metric, part / whole, low, high, whole)


@dataclass(frozen=True)
class MeasuredAudience:
    """An audience with its outcome as known on the as-of date.

    Attributes
    ----------
    assignment
        Its assignment.
    outcome
        Its outcome; None if none was recorded as of the as-of date of the evaluation or an earlier day.
    is_recorded_later
        Whether an outcome was recorded, but as of a later day.
    """

    assignment: Assignment
    outcome: OutcomeRecord | None
    is_recorded_later: bool = False


@dataclass(frozen=True)
class EvaluationSources:
    """Data from which ``ckm evaluate`` computes all metrics.

    Attributes
    ----------
    config
        Settings of the workspace.
    currency, time_zone
        Currency of amounts, and time zone in which days are computed.
    as_of
        As-of date: rows of later days are not used.
    audiences
        The audiences assigned by the as-of date, with their outcomes.
    entries
        Knowledge entries on the as-of date.
    entries_later
        Number of entries in the present files that were collected after the as-of date, and are left out.
    history
        Versions of the entries in git; None without a repository.
    searches, uses, shown
        The search log, the usage log, and the log of shown entries.
    interactions
        Complaints and questions: customer_id (String), kind, topic (String, lower case, empty if unknown), day (Date),
        resolved_on (Date or null), sorted by customer, topic and day; None without the table.
    memberships
        Table of the loyalty programme: one row per member and snapshot; None without the table.
    ledger
        Customer ledger: purchases and returns of all customers.
    store
        Store of the workspace, which has the saved churn warnings.
    """

    config: Config
    currency: str
    time_zone: str
    as_of: date
    audiences: Sequence[MeasuredAudience]
    entries: Sequence[KnowledgeEntry]
    entries_later: int
    history: EntryHistory | None
    searches: SearchLog
    uses: UsageLog
    shown: ShownLog
    interactions: pl.DataFrame | None
    memberships: pl.LazyFrame | None
    ledger: Ledger
    store: Store

    def audiences_of(self, period: Period) -> list[MeasuredAudience]:
        """Return the audiences whose window ends in a period; both days of the period are included."""
        return [each for each in self.audiences if period.first <= each.assignment.last_day <= period.last]

    def entries_on(self, day: date) -> Sequence[KnowledgeEntry] | None:
        """Return the knowledge entries at the end of a day.

        For a day before the as-of date they are those committed to git; None if git has no version of that day.
        """
        if day >= self.as_of:
            return self.entries
        return None if self.history is None else self.history.entries_on(day)
