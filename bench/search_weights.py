"""Search weights: one set for all languages, chosen on half of the questions and tested on the other half.

    PYTHONPATH=. python bench/search_weights.py

For each set the scores of all texts by each kind of term are taken once from the engine; a sum of them with weights
is then a matter of microseconds. Questions with even numbers choose the weights with the best mean of the sets' MRR@10,
odd ones judge them, and the other way round. Beside the shared weights stand those that each set would choose for
itself, judged the same way: what they gain on the half that chose them, they must keep on the other.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from search_sets import Set, load, records

from ckm.search.index import Index
from ckm.search.query import parse
from ckm.search.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable

TAKEN = (0.5, 0.3, 0.4)  # grams, forms and pairs in ckm/search/weights.py
GRAMS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
FORMS = (0.0, 0.1, 0.2, 0.3, 0.5)
PAIRS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)

Choice = tuple[float, float, float]
Scores = dict[str, tuple[float, float, float, float]]  # words, grams, forms, pairs, each with weight 1


def scores(one: Set) -> list[tuple[Scores, frozenset[str]]]:
    """Return the scores of every text for each question of a set, by kind of term."""
    unit = replace(WEIGHTS, grams=dict.fromkeys(WEIGHTS.grams, 1.0), forms=1.0, pairs=0.0)
    pairs = replace(unit, forms=0.0, pairs=1.0)
    index = Index.create(weights=unit)
    index.replace([], records(one))
    paired = Index.create(weights=pairs)
    paired.replace([], records(one))
    taken = []
    for question in one.questions:
        query = parse(question.text)
        rows: Scores = {}
        for key, parts in index.parts(query).items():
            rows[key] = (parts.get("words", 0.0), parts.get("grams", 0.0), parts.get("forms", 0.0), 0.0)
        for key, parts in paired.parts(query).items():
            words, grams, forms, _ = rows.get(key, (0.0, 0.0, 0.0, 0.0))
            rows[key] = (words, grams, forms, parts.get("forms", 0.0))
        taken.append((rows, question.expected))
    return taken


def judge(taken: Iterable[tuple[Scores, frozenset[str]]], choice: Choice) -> float:
    """Return the mean reciprocal rank at 10 under weights for grams, forms and pairs."""
    grams, forms, pairs = choice
    ranks = []
    for rows, expected in taken:
        sums = {key: w + grams * g + forms * f + pairs * p for key, (w, g, f, p) in rows.items()}
        best = max((sums[key] for key in expected if key in sums), default=None)
        if best is None:
            ranks.append(0.0)
            continue
        first = min(key for key in expected if sums.get(key) == best)
        rank = 1 + sum(value > best or (value == best and key < first) for key, value in sums.items())
        ranks.append(1 / rank if rank <= 10 else 0.0)
    return sum(ranks) / len(ranks)


def main() -> None:
    taken = {one.name: scores(one) for one in load()}
    grid = list(product(GRAMS, FORMS, PAIRS))
    halves = {half: {name: rows[half::2] for name, rows in taken.items()} for half in (0, 1)}
    results = {
        half: {choice: {name: judge(rows, choice) for name, rows in sets.items()} for choice in grid}
        for half, sets in halves.items()
    }

    def mean(half: int, choice: Choice) -> float:
        return sum(results[half][choice].values()) / len(taken)

    print("| chooses | judges | grams | forms | pairs | MRR where chosen | MRR held out | those in ckm, held out |")
    print("|---|---|---|---|---|---|---|---|")
    for chooses, judges, names in ((0, 1, ("even", "odd")), (1, 0, ("odd", "even"))):
        best = max(grid, key=lambda choice: mean(chooses, choice))
        row = [*names, *(f"{weight:.1f}" for weight in best), f"{mean(chooses, best):.4f}", f"{mean(judges, best):.4f}"]
        print("| " + " | ".join([*row, f"{mean(judges, TAKEN):.4f}"]) + " |")
    print("\nWeights of each set's own, chosen on one half, judged on the other, beside the shared ones:\n")
    print("| set | chooses | grams | forms | pairs | own, held out | shared, held out |\n|---|---|---|---|---|---|---|")
    for name in taken:
        for chooses, judges, half in ((0, 1, "even"), (1, 0, "odd")):
            shared = max(grid, key=lambda choice: mean(chooses, choice))
            own = max(grid, key=lambda choice: results[chooses][choice][name])
            weights = " | ".join(f"{weight:.1f}" for weight in own)
            held = f"{results[judges][own][name]:.4f} | {results[judges][shared][name]:.4f}"
            print(f"| {name} | {half} | {weights} | {held} |")
    print("\nThe best ten over both halves, and what is taken away:\n")
    both = {choice: (mean(0, choice) + mean(1, choice)) / 2 for choice in grid}
    best_ten = sorted(grid, key=lambda choice: -both[choice])[:10]
    for choice in [*best_ten, TAKEN, (0.5, 0.0, 0.0), (0.0, 0.0, 0.0)]:
        print("grams {:.1f} forms {:.1f} pairs {:.1f}".format(*choice), f"{both[choice]:.4f}")


if __name__ == "__main__":
    main()
