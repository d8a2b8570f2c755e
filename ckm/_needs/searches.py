"""Searches of the knowledge base without a hit: a workaround or an unanswered need."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckm._feedback.masking import Masking
from ckm._kb.gaps import fold
from ckm._kb.search_log import FILE
from ckm._needs.need import WORKAROUND, Need

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ckm._kb.search_log import SearchLog

TEST = "count, without a test: no other share to compare with"


def searches_without_hits(log: SearchLog, until: datetime, *, texts: bool, min_group_size: int) -> Iterator[Need]:
    """Yield one need for all searches without a hit, and one for each query that often has no hit.

    Parameters
    ----------
    log
        Search log of the workspace.
    until
        Only searches before this time are counted.
    texts
        Whether queries may be shown (setting ``kb.log_query_text``). A query with personal data is never shown.
    min_group_size
        Fewest searches without a hit of a need.
    """
    searches = [each for each in log.searches if each.at < until]
    without = [each for each in searches if not each.hits]
    if len(without) < min_group_size:
        return
    yield _need(
        f"searches without a hit: {len(without):,} of {len(searches):,}", "knowledge base", len(without), f"out/{FILE}"
    )
    if not texts:
        return
    counts = Counter(fold(each.query) for each in without if each.query)
    mask = Masking().mask
    for query, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        if count >= min_group_size and mask(query) == query:
            yield _need(f"'{query}': {count:,} searches without a hit", query, count, "ckm kb-gaps")


def _need(need: str, subject: str, count: int, evidence: str) -> Need:
    return Need(WORKAROUND, need, subject, None, None, count, None, None, None, None, TEST, evidence)
