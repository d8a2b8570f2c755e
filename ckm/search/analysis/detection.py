"""Which language a text is in where nobody says: its script tells, else its stop words, else nothing does."""

from __future__ import annotations

from collections import Counter

from ckm.search.analysis import arabic, chinese, languages, spaced, thai
from ckm.search.analysis.text import normalise, runs
from ckm.search.analysis.tokens import TELLING

_READ = 4000  # characters that are looked at
_SHARE = 0.1  # of words that are stop words; running text has two to five in ten, whatever the language


def detect(text: str) -> tuple[str, ...]:
    """Return the languages that a text may be in, as BCP 47 tags; none where nothing tells with confidence.

    Returns
    -------
    tuple of str
        One as a rule. Chinese that no character tells Simplified from Traditional is ``zh``; Arabic letters without
        enough stop words are both Arabic and Persian; a text with as many stop words of another language is in both.
    """
    weights: Counter[str] = Counter()
    pieces: dict[str, list[str]] = {}
    for script, characters, _ in runs(normalise(text[:_READ])):
        if script in ("han", "thai"):
            weights[script] += TELLING * len(characters)
            pieces.setdefault(script, []).append(characters)
            continue
        alphabet = languages.alphabet_of(script, characters)
        folded = arabic.fold(characters) if script == "arabic" else spaced.fold(characters)
        if folded and not folded.isdecimal():
            weights[alphabet] += 1 if alphabet == "latin" else TELLING
            pieces.setdefault(alphabet, []).append(folded)
    if not weights:
        return ()
    main = min(weights, key=lambda name: (-weights[name], name))
    if main == "han":
        found = chinese.written_in(pieces[main])
        return ("zh",) if found == chinese.VARIANTS else found
    if main == "thai":
        return thai.language(pieces[main][0])
    return _by_stop_words(main, pieces[main])


def _by_stop_words(alphabet: str, folded: list[str]) -> tuple[str, ...]:
    known = languages.languages_of(alphabet)
    if not known:
        return ()
    near = languages.guess(folded, known)
    count = sum(word in languages.stop_words(near[0]) for word in folded)
    if count and count >= _SHARE * len(folded):
        return near
    return known if alphabet in ("arabic", "greek") else ()
