"""Metrics of the knowledge base: validation, contributors, freshness, use, and knowledge conversion."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ckm._evaluate.measurement import Measurement, rate, unknown
from ckm._kb.evidence import HELPS, read_evidence, verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ckm._evaluate.measurement import EvaluationSources
    from ckm._kb.entry import KnowledgeEntry
    from ckm.customers.period import Period

FEEDBACK = frozenset(("complaint", "question", "survey", "idea", "praise", "interview", "observation"))
"""Values of ``provenance.origin`` for entries that come from feedback of customers or from observing them."""
STATES = ("wip", "not_validated", "validated", "archived")
VALIDATED, ARCHIVED, DISPUTED = "validated", "archived", "disputed"
MODES = ("socialise", "externalise", "combine", "internalise")
"""Modes of knowledge conversion in the order of the spiral (Nonaka and Takeuchi 1995)."""
ARROW = " → "


def newly_validated(entries: Sequence[KnowledgeEntry], period: Period) -> list[KnowledgeEntry]:
    """Return the entries with the state ``validated`` whose day of verification (``authentic.at``) is in a period."""
    return [
        each
        for each in entries
        if each.state.confidence == VALIDATED
        and each.authentic.at is not None
        and period.first <= each.authentic.at <= period.last
    ]


def knowledge_of(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the metrics of the knowledge base in a period: validation, states, searches, uses, conversion."""
    return [
        *_validation(sources, period),
        *_state(sources, period),
        *_searches(sources, period),
        *_uses(sources, period),
        *_conversion(sources, period),
    ]


def _validation(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the number of newly validated entries, the median days to validation, and the number of contributors.

    ``days_to_validation`` is from collection to verification of entries that come from feedback. Contributors are the
    persons who collected or verified an entry in the period.
    """
    new = newly_validated(sources.entries, period)
    days = [
        (each.authentic.at - each.provenance.collected_at).days
        for each in new
        if each.provenance.origin in FEEDBACK and each.authentic.at and each.provenance.collected_at
    ]
    collected = [each for each in sources.entries if _within(each.provenance.collected_at, period)]
    persons = {each.provenance.collected_by for each in collected} | {each.authentic.by for each in new}
    return [
        Measurement("newly_validated_entries", len(new)),
        Measurement("days_to_validation", median(days), n=len(days))
        if days
        else Measurement("days_to_validation", None, n=0, note="no_new_feedback_entry"),
        Measurement("contributors", len(persons - {None}), n=len(collected) + len(new)),
    ]


def _within(day: date | None, period: Period) -> bool:
    """Return whether a day is in a period; false for None."""
    return day is not None and period.first <= day <= period.last


def _state(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the state of the knowledge base on the last day of a period.

    The metrics are the number of entries (all but archived ones, and by state), the share of fresh entries among the
    entries in use, and the share of validated entries whose newest evidence shows a benefit.
    """
    entries = sources.entries_on(period.last)
    if entries is None:
        return unknown("no_git", "entries", "fresh_entry_share", "evidenced_entry_share")
    count = Counter(each.state.confidence for each in entries)
    in_use = [each for each in entries if each.in_use]
    validated = [each for each in entries if each.state.confidence == VALIDATED]
    fresh = sum(_is_fresh(each, period.last, sources.config.kb.freshness) for each in in_use)
    helpful = sum(verdict_of(read_evidence(each.evidence), period.last) == HELPS for each in validated)
    return [
        Measurement("entries", len(entries) - count[ARCHIVED]),
        *(Measurement("entries", count[state], of=state) for state in STATES),
        rate("fresh_entry_share", fresh, len(in_use), "no_entry"),
        rate("evidenced_entry_share", helpful, len(validated), "no_entry"),
    ]


def _is_fresh(entry: KnowledgeEntry, day: date, limits: Mapping[str, timedelta]) -> bool:
    """Return whether an entry needs no review on a day.

    It has not expired, its review is not overdue, and its last check is not older than the limit of its facet. These
    are the conditions of the rules ``expired``, ``review-overdue`` and ``stale`` of ``ckm kb-lint``.

    Parameters
    ----------
    entry
        The entry.
    day
        The day; later checks are ignored.
    limits
        Maximum time since the last check, by facet.
    """
    due, end = entry.review.due_on, entry.applies.valid_until
    if (due is not None and due < day) or (end is not None and end < day):
        return False
    limit = limits.get(entry.facet or "")
    checks = (entry.review.last, entry.authentic.at, entry.provenance.collected_at)
    checked = max((each for each in checks if each is not None and each <= day), default=None)
    return limit is None or checked is None or day - checked <= max(limit, timedelta(days=limit.days))


def _searches(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the number of logged searches, and the share of them with at least one hit."""
    days = [_day(each.at, sources.time_zone) for each in sources.searches.searches]
    found = [each for each, day in zip(sources.searches.searches, days, strict=True) if _within(day, period)]
    if not found:
        note = "no_searches" if days or sources.config.kb.log_queries else "log_off"
        return unknown(note, "searches", "search_hit_rate")
    note = "log_began_later" if min(days) > period.first else ""
    hits = rate("search_hit_rate", sum(each.hits > 0 for each in found), len(found), "no_searches")
    return [Measurement("searches", len(found), note=note), replace(hits, note=note)]


def _uses(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the metrics of the use of entries in a period.

    They are the numbers of shown entries and of logged uses, the share of helpful uses among rated ones, and the share
    of validated entries with at least one use.
    """
    shown = [_shown(sources, period)]
    days = [_day(each.at, sources.time_zone) for each in sources.uses.uses]
    found = [each for each, day in zip(sources.uses.uses, days, strict=True) if _within(day, period)]
    if not found:
        return [*shown, *unknown("no_uses", "entry_uses", "helpful_rate", "used_entry_share")]
    note = "log_began_later" if min(days) > period.first else ""
    rated = [each for each in found if each.helpful is not None]
    helpful = rate("helpful_rate", sum(bool(each.helpful) for each in rated), len(rated), "no_ratings")
    rows = [*shown, Measurement("entry_uses", len(found), note=note), helpful]
    entries = sources.entries_on(period.last)
    if entries is None:
        return [*rows, *unknown("no_git", "used_entry_share")]
    validated = {each.id for each in entries if each.state.confidence == VALIDATED}
    used = validated & {each.entry for each in found}
    return [*rows, rate("used_entry_share", len(used), len(validated), "no_entry")]


def _shown(sources: EvaluationSources, period: Period) -> Measurement:
    """Return how many times entries were shown; without a value if this was not logged."""
    dated = [(_day(each.at, sources.time_zone), sum(each.entries.values())) for each in sources.shown.shows]
    if not dated and not sources.config.kb.log_queries:
        return Measurement("entries_shown", None, note="not_logged")
    first = min((day for day, _ in dated), default=period.last)
    if first > period.last or not dated:
        return Measurement("entries_shown", None, note="log_began_later")
    count = sum(times for day, times in dated if _within(day, period))
    return Measurement("entries_shown", count, note="log_began_later" if first > period.first else "")


def _day(at: datetime, time_zone: str) -> date:
    """Return the day of a time in a time zone."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def _conversion(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the metrics of knowledge conversion: entries by mode, moves between modes, days in the present mode.

    ``days_in_mode`` is the median number of days that the entries of a mode have been in it on the last day of the
    period. ``slowest_mode`` is the mode with the largest ``days_in_mode``, except the last mode ``internalise``.
    """
    entries = sources.entries_on(period.last)
    if entries is None:
        return unknown("no_git", "entries_by_mode", "moves_between_modes", "days_in_mode", "slowest_mode")
    current = {each.id: each.seci for each in entries if each.state.confidence != ARCHIVED and each.seci}
    if not current:
        return unknown("no_modes", "entries_by_mode", "moves_between_modes", "days_in_mode", "slowest_mode")
    count = Counter(current.values())
    rows = [Measurement("entries_by_mode", count[mode], of=mode) for mode in MODES]
    if sources.history is None:
        return [*rows, *unknown("no_git", "moves_between_modes", "days_in_mode", "slowest_mode")]
    steps = {
        name: [(day, mode) for day, mode in changes if day <= period.last]
        for name, changes in sources.history.modes().items()
    }
    moves = Counter(
        f"{before}{ARROW}{after}"
        for changes in steps.values()
        for (_, before), (day, after) in pairwise(changes)
        if day >= period.first
    )
    rows.append(Measurement("moves_between_modes", moves.total()))
    rows += [Measurement("moves_between_modes", moves[name], of=name) for name in sorted(moves)]
    ages: dict[str, list[int]] = {}
    for name, mode in current.items():
        if (changes := steps.get(name)) and changes[-1][1] == mode:
            ages.setdefault(mode, []).append((period.last - changes[-1][0]).days)
    medians = {mode: median(ages[mode]) for mode in MODES if mode in ages}
    rows += [Measurement("days_in_mode", days, n=len(ages[mode]), of=mode) for mode, days in medians.items()]
    before_last = {mode: days for mode, days in medians.items() if mode != MODES[-1]}
    if not before_last:
        return [*rows, *unknown("no_modes", "slowest_mode")]
    slowest = max(before_last, key=lambda mode: (before_last[mode], -MODES.index(mode)))
    return [*rows, Measurement("slowest_mode", before_last[slowest], n=len(ages[slowest]), of=slowest)]
