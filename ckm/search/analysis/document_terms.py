"""The terms of a document without positions, for the index. Several times faster than a full analysis.

Uses the same analyzers as :func:`ckm.search.analysis.analyse`; a test compares the results.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from ckm.search.analysis import chinese, languages, thai
from ckm.search.analysis.compounds import compounds, terms_of
from ckm.search.analysis.emoji import all_emoji
from ckm.search.analysis.language_detection import chosen_languages
from ckm.search.analysis.normalization import all_runs, normalise
from ckm.search.analysis.tokens import NON_LATIN_WEIGHT
from ckm.search.analysis.word_forms import read_word


@dataclass(slots=True)
class Terms:
    """The terms of a text by field. The order of ``forms`` and ``grams`` has no meaning.

    Attributes
    ----------
    exact, words, compounds, forms, grams
        As in :class:`ckm.search.analysis.Analysis`.
    vocabulary
        The words of ``forms``, without the pairs.
    spelled
        Words of scripts with spaces, and Thai dictionary words, as in the normalised text.
    languages
        Languages in which words were stemmed.
    lengths
        Amount of text by language or, if unknown, script, as in :attr:`ckm.search.analysis.Analysis.lengths`; several
        languages count as the first.
    scripts
        Amount of text by script.
    """

    exact: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    compounds: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    grams: list[str] = field(default_factory=list)
    vocabulary: set[str] = field(default_factory=set)
    spelled: set[str] = field(default_factory=set)
    languages: set[str] = field(default_factory=set)
    lengths: dict[str, int] = field(default_factory=dict)
    scripts: dict[str, int] = field(default_factory=dict)


def terms(text: str, lang: str = "") -> Terms:
    """Return the terms of a document's text; ``lang`` as for :func:`ckm.search.analysis.analyse`."""
    normalised = normalise(text)
    scripts = _scripts(normalised)
    chosen = chosen_languages(scripts, lang, None)
    written_in = _written_in(scripts)
    found = Terms()
    exact, words, grams, spelled = found.exact, found.words, found.grams, found.spelled
    weights: dict[str, int] = {}
    only = next(iter(chosen)) if len(chosen) == 1 else ""
    begun = 0  # first word after the last run of another script
    for script, written in scripts:
        if script == "han":
            _add_forms(found, begun)
            _add_han(found, written, written_in)
            begun = len(exact)
        elif script == "thai":
            _add_forms(found, begun)
            _add_thai(found, written)
            begun = len(exact)
        else:
            alphabet = only or languages.alphabet_of(script, written)
            _, folded, stems, word_grams, weight = read_word(script, written, chosen[alphabet])
            if folded:  # not a single mark
                exact.append(folded)
                words += stems
                grams += word_grams
                weights[alphabet] = weights.get(alphabet, 0) + weight
                spelled.add(written)
    _add_forms(found, begun)
    for compound in compounds(normalised):
        found.compounds.extend(terms_of(compound, chosen))
    for emoji in all_emoji(normalised):
        found.compounds.extend(emoji.terms)
        grams += emoji.parts
    for alphabet, weight in weights.items():
        found.languages.update(chosen[alphabet])
        _add(found.scripts, alphabet, weight)
        _add(found.lengths, chosen[alphabet][0], weight)
    return found


def languages_of(text: str) -> set[str]:
    """Return the languages in which words of a text are stemmed; "" for words without a stemmer."""
    scripts = _scripts(normalise(text))
    found = {language for chosen in chosen_languages(scripts, "", None).values() for language in chosen}
    found.update(_written_in(scripts))
    return found.union(*(thai.language(characters) for script, characters in scripts if script == "thai"))


def _scripts(normalised: str) -> list[tuple[str, str]]:
    """Return script and characters of each run of one script."""
    cut = all_runs(normalised)
    return [("spaced", a) if a else ("han", b) if b else ("thai", c) if c else ("arabic", d) for a, b, c, d in cut]


def _written_in(scripts: list[tuple[str, str]]) -> tuple[str, ...]:
    han = [characters for script, characters in scripts if script == "han"]
    return chinese.written_in(han) if han else ()


def _add_forms(found: Terms, begun: int) -> None:
    unbroken = found.exact[begun:]
    found.vocabulary.update(unbroken)
    found.forms.extend(unbroken)
    found.forms.extend([f"{one}_{other}" for one, other in pairwise(unbroken)])


def _add_han(found: Terms, written: str, written_in: tuple[str, ...]) -> None:
    folded = chinese.fold(written)
    found.exact.extend(folded)
    found.grams.extend(folded)
    found.words.extend(chinese.bigrams(folded))
    _add_length(found, "han", written_in, len(folded))


def _add_thai(found: Terms, written: str) -> None:
    clusters = thai.clusters(written)
    found.exact.extend(clusters)
    words = thai.words(clusters)
    found.words.extend(words)
    if thai.language(written) == ("th",):
        found.spelled.update(word for word in words if len(word) >= thai.SHORTEST)
    found.grams.extend([one + other for one, other in pairwise(clusters)])
    found.grams.extend(thai.grams(written))
    _add_length(found, "thai", thai.language(written), len(clusters))


def _add_length(found: Terms, script: str, in_languages: tuple[str, ...], signs: int) -> None:
    """Add the amount of a run; runs of these scripts contain no digits, which do not count."""
    found.languages.update(in_languages)
    _add(found.scripts, script, NON_LATIN_WEIGHT * signs)
    _add(found.lengths, in_languages[0], NON_LATIN_WEIGHT * signs)


def _add(amounts: dict[str, int], name: str, amount: int) -> None:
    """Add an amount to a name's; faster than a Counter, which takes microseconds to create."""
    amounts[name] = amounts.get(name, 0) + amount
