"""The retrieval sets of ../shared/data/kb and the measures of the other search_*.py scripts."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckm.search.index import Index
from ckm.search.index_record import IndexRecord
from ckm.search.query import parse
from ckm.search.weights import WEIGHTS, Weights

DATA = Path(os.environ.get("CKM_SHARED", Path(__file__).parents[2] / "shared" / "data")) / "kb"
TAGS = {"zh": "zh-Hans", "zht": "zh-Hant"}

Search = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Question:
    """A question, and the ids of the texts that answer it."""

    text: str
    expected: frozenset[str]


@dataclass(frozen=True)
class Set:
    """A retrieval set: texts by id, and questions."""

    name: str
    tag: str
    texts: dict[str, str]
    questions: tuple[Question, ...]


def load() -> list[Set]:
    sets = []
    for path in sorted(DATA.glob("*.json")):
        raw = json.loads(path.read_text("utf-8"))
        texts = {entry["id"]: f"{entry['title']}\n{entry['text']}".strip() for entry in raw["corpus"]}
        questions = tuple(Question(query["text"], frozenset(query["rel"])) for query in raw["queries"])
        sets.append(Set(path.stem, TAGS.get(raw["lang"], raw["lang"]), texts, questions))
    return sets


def records(one: Set, *, prefix: str = "", declared: bool = False) -> list[IndexRecord]:
    """Each text as the body of a record; nothing is said of its language unless asked for."""
    tag = one.tag if declared else ""
    return [IndexRecord(prefix + key, prefix + key, (("body", tag, text),)) for key, text in one.texts.items()]


def ckm_search(these: list[IndexRecord], weights: Weights = WEIGHTS) -> Search:
    index = Index.create(weights=weights)
    index.replace([], these)
    return lambda text: [hit.key for hit in index.search(parse(text), limit=10)]


def reciprocal_rank(found: Sequence[str], expected: frozenset[str]) -> float:
    return next((1 / rank for rank, key in enumerate(found[:10], 1) if key in expected), 0.0)


def measures(search: Search, questions: Sequence[Question]) -> dict[str, float]:
    """Return recall at 1, 5 and 10, the mean reciprocal rank at 10 and nDCG at 10 (binary gains)."""
    sums = dict.fromkeys(("recall@1", "recall@5", "recall@10", "MRR@10", "nDCG@10"), 0.0)
    for question in questions:
        found = list(search(question.text))[:10]
        for depth in (1, 5, 10):
            sums[f"recall@{depth}"] += len(question.expected & set(found[:depth])) / len(question.expected)
        sums["MRR@10"] += reciprocal_rank(found, question.expected)
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(10, len(question.expected)) + 1))
        gained = sum(1 / math.log2(rank + 1) for rank, key in enumerate(found, 1) if key in question.expected)
        sums["nDCG@10"] += gained / ideal
    return {name: value / len(questions) for name, value in sums.items()}


def mrr(search: Search, questions: Sequence[Question]) -> float:
    return sum(reciprocal_rank(search(question.text), question.expected) for question in questions) / len(questions)
