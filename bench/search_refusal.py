"""Refusal: questions on another subject should keep no hit, and questions of the base their answer.

    PYTHONPATH=. python bench/search_refusal.py

Each set of ../shared/data/kb and the suite of the example shop are asked their own questions, and the questions of the
other bases with texts in that language. Printed for each limit of coverage (:data:`ckm._kb.search_result.LITTLE`): the
share of found answers that have at least this share of the question's words, and the share of questions on other
subjects of which no hit has as many. Precision is that of refusal if both kinds of questions were equally frequent. The
limit was chosen on the shared sets: the largest that keeps 98 % of the answers of each.
"""

from __future__ import annotations

import random
from pathlib import Path

import yaml
from search_sets import load, records

from ckm._kb.entry_files import read_folder
from ckm._kb.entry_record import record_of
from ckm.search.index import Index
from ckm.search.query import parse

SHOP = Path(__file__).parents[1] / "examples" / "shop"
QUESTIONS = 100  # of each set, drawn at random
LIMITS = (0.15, 0.2, 0.25, 0.3, 0.35)

Questions = list[tuple[str, frozenset[str]]]


def bases() -> dict[str, tuple[Index, dict[str, Questions]]]:
    """Return the bases: index, and questions with the keys of their answers by language."""
    shop = [record_of(entry) for entry in read_folder(SHOP / "kb").entries]
    keys = {record.key.split(" ")[0]: record.key for record in shop}
    suite: dict[str, Questions] = {}
    for each in yaml.safe_load((SHOP / "kb-suite.yaml").read_text("utf-8")):
        suite.setdefault(each["lang"], []).append((each["query"], frozenset(keys[name] for name in each["expect"])))
    found = {"shop": (_index(shop), suite)}
    draw = random.Random(1)
    for one in load():
        asked = draw.sample(one.questions, min(QUESTIONS, len(one.questions)))
        found[one.name] = (_index(records(one)), {one.tag: [(each.text, each.expected) for each in asked]})
    return found


def _index(these: list) -> Index:
    index = Index.create()
    index.replace((), these)
    return index


def family(name: str) -> str:
    return name.partition("-")[0] if name.startswith("adobe") else name


def coverages(index: Index, question: str, answers: frozenset[str]) -> tuple[float, float | None]:
    """Return the largest coverage of the first ten hits, and that of the first answer among them."""
    query = parse(question)
    hits = [hit.key for hit in index.search(query, limit=10)]
    shares = index.coverage(query, hits)
    answer = next((key for key in hits if key in answers), None)
    return max(shares.values(), default=0.0), None if answer is None else shares.get(answer, 0.0)


def main() -> None:
    found = bases()
    kept: dict[str, list[float]] = {}
    other: dict[str, list[float]] = {}
    for asked, (_, questions) in found.items():
        for name, (index, own) in found.items():
            for lang, several in questions.items():
                if asked != name and (family(asked) == family(name) or lang not in own):
                    continue
                shares = [coverages(index, *each) for each in several]
                if asked == name:
                    kept.setdefault(name, []).extend(share for _, share in shares if share is not None)
                else:
                    other[f"{asked} → {name}"] = other.get(f"{asked} → {name}", []) + [most for most, _ in shares]
    print("| limit | " + " | ".join((*kept, "answers kept", *other, "refused", "precision")) + " |")
    print("|---" * (len(kept) + len(other) + 4) + "|")
    for limit in LIMITS:
        keeps = [sum(share >= limit for share in shares) / len(shares) for shares in kept.values()]
        refuses = [sum(share < limit for share in shares) / len(shares) for shares in other.values()]
        keep, refuse = sum(keeps) / len(keeps), sum(refuses) / len(refuses)
        cells = (*keeps, keep, *refuses, refuse, refuse / (refuse + 1 - keep))
        print(f"| {limit} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
