"""Analyse texts: convert a text to terms with an analyzer for each script.

A text is normalised (NFKC, ASCII digits) and split into runs of one script. Each run is analysed by the analyzer of its
script, so a text may mix scripts, and documents in all languages share one index. Documents and queries use the same
analyzers. Tables and word lists are read when a text needs them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ckm.search.analysis import chinese, languages, thai
from ckm.search.analysis.compounds import Compound, compounds, terms_of
from ckm.search.analysis.emoji import Emoji, all_emoji
from ckm.search.analysis.language_detection import chosen_languages
from ckm.search.analysis.normalization import normalise, origins, runs
from ckm.search.analysis.tokens import Analysis, ScriptRun, Token
from ckm.search.analysis.word_forms import read_word

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["Analysis", "Run", "Token", "analyse", "grams", "words"]


def words(text: str, lang: str = "") -> list[str]:
    """Return the terms of a text in the word field; ``lang`` as for :func:`analyse`."""
    return [token.term for token in analyse(text, lang).words]


def grams(text: str, lang: str = "") -> list[str]:
    """Return the terms of a text in the gram field; ``lang`` as for :func:`analyse`."""
    return [token.term for token in analyse(text, lang).grams]


def analyse(text: str, lang: str = "", among: Collection[str] | None = None, *, in_full: bool = True) -> Analysis:
    """Return the terms of a text with their positions.

    Parameters
    ----------
    text
        Any text.
    lang
        BCP 47 tag, used if languages share an alphabet (German, English; Persian, Arabic). "" or a language without
        word lists: the stop words of the text decide.
    among
        For a query, the languages of the index ("" for texts without a language): if the stop words of the query do
        not decide, its words are stemmed in all of them. None for a document, which has one language per alphabet.
    in_full
        Whether to compute grams and forms, which take most of the time.
    """
    normalised = normalise(text)
    found_runs = list(runs(normalised))
    chosen = chosen_languages([(script, characters) for script, characters, _ in found_runs], lang, among)
    maker = _Tokens(origins(text, normalised), in_full)
    han = [characters for script, characters, _ in found_runs if script == "han"]
    written_in = chinese.written_in(han) if han else ()
    for script, characters, start in found_runs:
        if script == "han":
            maker.han(characters, start, written_in)
        elif script == "thai":
            maker.thai(characters, start)
        else:
            maker.word(script, characters, start, chosen[languages.alphabet_of(script, characters)])
    for compound in compounds(normalised):
        maker.compound(compound, chosen)
    for emoji in all_emoji(normalised):
        maker.emoji(emoji)
    forms = maker.forms() if in_full else ()
    return Analysis(
        text,
        tuple(maker.runs),
        tuple(maker.exact),
        tuple(maker.words),
        tuple(maker.compounds),
        forms,
        tuple(maker.grams),
    )


_UNSPACED = frozenset({"han", "thai"})


class _Tokens:
    """Collects the tokens of a text and converts positions in the normalised text to positions in the original."""

    def __init__(self, places: list[int] | None, with_grams: bool) -> None:
        self._places = places
        self._with_grams = with_grams
        self.runs: list[ScriptRun] = []
        self.exact: list[Token] = []
        self.words: list[Token] = []
        self.compounds: list[Token] = []
        self.grams: list[Token] = []

    def _span(self, start: int, end: int) -> tuple[int, int]:
        places = self._places
        return (start, end) if places is None else (places[start], max(places[end], places[start] + 1))

    def _run(self, script: str, chosen: tuple[str, ...], start: int, end: int) -> None:
        start, end = self._span(start, end)
        last = self.runs[-1] if self.runs else None
        if last is not None and last.script == script and last.languages == chosen:
            self.runs[-1] = ScriptRun(script, chosen, last.start, end)
        else:
            self.runs.append(ScriptRun(script, chosen, start, end))

    def word(self, script: str, written: str, place: int, chosen: tuple[str, ...]) -> None:
        alphabet, folded, stems, found, _ = read_word(script, written, chosen)
        if not folded:  # a lone mark
            return
        self._run(alphabet, chosen, place, place + len(written))
        start, end = self._span(place, place + len(written))
        self.exact.append(Token(folded, start, end, alphabet))
        self.words += [Token(stem, start, end, alphabet) for stem in stems]
        if self._with_grams:
            self.grams += [Token(gram, start, end, alphabet) for gram in found]

    def compound(self, compound: Compound, chosen: Mapping[str, tuple[str, ...]]) -> None:
        span = self._span(compound.start, compound.end)
        self.compounds += [Token(term, *span, "compound") for term in terms_of(compound, chosen)]

    def emoji(self, emoji: Emoji) -> None:
        span = self._span(emoji.start, emoji.end)
        self.compounds += [Token(term, *span, "emoji") for term in emoji.terms]
        self.grams += [Token(part, *span, "emoji") for part in emoji.parts if self._with_grams]

    def han(self, written: str, place: int, written_in: tuple[str, ...]) -> None:
        self._run("han", written_in, place, place + len(written))
        folded = chinese.fold(written)
        single = [Token(character, *self._span(place + i, place + i + 1), "han") for i, character in enumerate(folded)]
        self.exact += single
        self.grams += single if self._with_grams else ()
        self.words += [
            Token(pair, *self._span(place + i, place + i + len(pair)), "han")
            for i, pair in enumerate(chinese.bigrams(folded))
        ]

    def thai(self, written: str, place: int) -> None:
        self._run("thai", thai.language(written), place, place + len(written))
        tokens = []
        start = place
        for cluster in thai.clusters(written):
            tokens.append(Token(cluster, *self._span(start, start + len(cluster)), "thai"))
            start += len(cluster)
        self.exact += tokens
        start = place
        for word in thai.words([token.term for token in tokens]):
            self.words.append(Token(word, *self._span(start, start + len(word)), "thai"))
            start += len(word)
        if not self._with_grams:
            return
        self.grams += [Token(a.term + b.term, a.start, b.end, "thai") for a, b in pairwise(tokens)]
        self.grams += [
            Token(gram, *self._span(place + i, place + i + len(gram)), "thai")
            for i, gram in enumerate(thai.grams(written))
        ]

    def forms(self) -> tuple[Token, ...]:
        """Return the words of scripts with spaces, then each two adjacent words as ``one_other``.

        No pair spans Chinese or Thai text.
        """
        singles = [token for token in self.exact if token.script not in _UNSPACED]
        pairs = [
            Token(f"{one.term}_{other.term}", one.start, other.end, one.script)
            for one, other in pairwise(self.exact)
            if one.script not in _UNSPACED and other.script not in _UNSPACED
        ]
        return (*singles, *pairs)
