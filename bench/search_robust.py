"""Loss of search quality by typing errors, other spellings, and several languages in one base.

    PYTHONPATH=. python bench/search_robust.py

- one typo per long word: in every word of six letters or more (Chinese: every run of six characters, Thai: of
  ten) one character is left out, doubled or swapped with its neighbour, drawn with fixed seeds;
- other spellings of the question: Simplified for Traditional characters, Arabic letters for Persian ones, ue for ü,
  u for ü. These must give the very same hits;
- a mixed base: all sets in one index. adobe-en, adobe-zh and adobe-zht are translations of the same articles, whose
  ids they share, so an answer in another language than expected is none the worse. Both are told: `own` counts only the
  text of the question's own set, `article` the same article in any language, `entries` makes the translations one
  record, as a knowledge base does.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

from search_sets import Question, Search, Set, ckm_search, load, mrr, records

from ckm.search.index_record import IndexRecord

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = (0, 1, 2)  # typos are drawn three times and the results averaged
LONG_WORD = re.compile(r"[^\W\d_]{6,}|[\u0e01-\u0e4e]{10,}|[\u0620-\u06d3]{6,}")
TABLE = Path(__file__).parents[1] / "ckm" / "data" / "search" / "simplified.txt"


def with_typos(text: str, draw: random.Random) -> str:
    def spoil(word: re.Match[str]) -> str:
        letters = list(word[0])
        place = draw.randrange(1, len(letters) - 1)
        kind = draw.choice(("left out", "doubled", "swapped"))
        if kind == "left out":
            del letters[place]
        elif kind == "doubled":
            letters.insert(place, letters[place])
        else:
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        return "".join(letters)

    return LONG_WORD.sub(spoil, text)


def changed(one: Set, change: Callable[[str], str]) -> tuple[Question, ...]:
    return tuple(Question(change(question.text), question.expected) for question in one.questions)


def spellings() -> dict[str, tuple[str, Callable[[str], str]]]:
    simplified = str.maketrans({line[0]: line[1] for line in TABLE.read_text("utf-8").split("\n") if line})
    arabic = str.maketrans({"ی": "ي", "ک": "ك"})
    written_out = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
    lost = str.maketrans("äöüÄÖÜ", "aouAOU")
    return {
        "simplified question, traditional text": ("adobe-zht", lambda text: text.translate(simplified)),
        "Arabic letters, Persian text": ("pqa-fa", lambda text: text.translate(arabic)),
        "umlauts written out (ue)": ("xquad-de", lambda text: text.translate(written_out)),
        "umlauts lost (u)": ("xquad-de", lambda text: text.translate(lost)),
    }


def mixed(sets: list[Set]) -> dict[str, list[IndexRecord]]:
    """The texts of all sets: each a record of its own, and translations together."""
    own = [record for one in sets for record in records(one, prefix=f"{one.name}:", declared=True)]
    texts: dict[str, list[tuple[str, str, str]]] = {}
    for one in sets:
        for key, text in one.texts.items():
            texts.setdefault(family(one) + key, []).append(("body", one.tag, text))
    return {"apart": own, "together": [IndexRecord(key, key, tuple(bodies)) for key, bodies in texts.items()]}


def family(one: Set) -> str:
    return "adobe:" if one.name.startswith("adobe-") else f"{one.name}:"


def expecting(one: Set, names: list[str]) -> tuple[Question, ...]:
    return tuple(
        Question(question.text, frozenset(name + key for name in names for key in question.expected))
        for question in one.questions
    )


def main() -> None:
    sets = load()
    alone: dict[str, Search] = {one.name: ckm_search(records(one, declared=True)) for one in sets}
    base = {one.name: mrr(alone[one.name], one.questions) for one in sets}
    print("| set | MRR@10 | one typo per long word | costs |\n|---|---|---|---|")
    for one in sets:
        drawn = [random.Random(seed) for seed in SEEDS]
        tries = [changed(one, lambda text, draw=draw: with_typos(text, draw)) for draw in drawn]
        after = sum(mrr(alone[one.name], questions) for questions in tries) / len(tries)
        print(f"| {one.name} | {base[one.name]:.4f} | {after:.4f} | {base[one.name] - after:.4f} |", flush=True)
    by_name = {one.name: one for one in sets}
    print("\n| spelling | set | MRR@10 | costs | questions with other hits |\n|---|---|---|---|---|")
    for spelling, (name, change) in spellings().items():
        if name not in by_name:
            continue
        search, one = alone[name], by_name[name]
        other = sum(list(search(question.text)) != list(search(change(question.text))) for question in one.questions)
        after = mrr(search, changed(one, change))
        print(f"| {spelling} | {name} | {after:.4f} | {base[name] - after:.4f} | {other} |", flush=True)
    bases = {name: ckm_search(these) for name, these in mixed(sets).items()}
    print("\n| set | alone | mixed: own | costs | mixed: article | costs | mixed: entries | costs |")
    print("|---|---|---|---|---|---|---|---|")
    for one in sets:
        names = [f"{other.name}:" for other in sets if family(other) == family(one)]
        after = [
            mrr(bases["apart"], expecting(one, [f"{one.name}:"])),
            mrr(bases["apart"], expecting(one, names)),
            mrr(bases["together"], expecting(one, [family(one)])),
        ]
        cells = " | ".join(f"{value:.4f} | {base[one.name] - value:.4f}" for value in after)
        print(f"| {one.name} | {base[one.name]:.4f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
