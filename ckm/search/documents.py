"""From a record to the documents that the engine holds of it: one per language of its texts."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import tantivy

from ckm.search.analysis import analyse
from ckm.search.analysis.terms import languages_of, terms
from ckm.search.fields import CODE, exact_field, label_term
from ckm.search.shelves import shelf_of

if TYPE_CHECKING:
    from ckm.search.record import Record
    from ckm.search.weights import Weights

_LIKE = 40  # terms kept per document for more like it
_SEPARATORS = re.compile(r"[\s/._-]+")  # between the parts of a code
_LOOKED_AT = 4000  # characters of a text whose language is looked for


class Prepared(NamedTuple):
    """A document as plain values, which another process can have made.

    Attributes
    ----------
    shelf
        Where it stands (:func:`ckm.search.shelves.shelf_of`).
    texts
        Field and text, in order; a field may come several times.
    like
        The terms that say best what the record is about, parted by spaces.
    vocabulary
        The folded words of scripts with spaces, parted by spaces.
    stored
        What the caller wants back; only the first document of a record has it.
    """

    shelf: str
    texts: tuple[tuple[str, str], ...]
    like: str
    vocabulary: str
    stored: str | None


def prepare(record: Record, weights: Weights) -> list[Prepared]:
    """Return the documents of a record: one per language that its texts name, one where none does."""
    tags = list(dict.fromkeys(tag for _, tag, _ in record.texts if tag)) or [""]
    common = [("key", _scrub(record.key)), ("group", _scrub(record.group))]
    common += [("label", label_term(name, _scrub(value))) for name, values in record.labels.items() for value in values]
    stored = record.stored.encode("utf-8", "replace").decode()
    prepared = []
    for number, tag in enumerate(tags):
        texts = [(name, text) for name, of, text in record.texts if of in (tag, "")]
        found = _searched(texts, tag or _language(texts), weights)
        prepared.append(
            Prepared(found.shelf, (*common, *found.fields), found.like, found.vocabulary, None if number else stored)
        )
    return prepared


def document(prepared: Prepared) -> tantivy.Document:
    """Return a document for the engine."""
    made = tantivy.Document()
    for name, text in prepared.texts:
        made.add_text(name, text)
    made.add_bytes("like", prepared.like.encode())
    made.add_bytes("vocabulary", prepared.vocabulary.encode())
    if prepared.stored is not None:
        made.add_bytes("stored", prepared.stored.encode())
    return made


class _Searched(NamedTuple):
    """A document without what all documents of its record have; attributes as of :class:`Prepared`."""

    shelf: str
    fields: list[tuple[str, str]]
    like: str
    vocabulary: str


def _searched(texts: list[tuple[str, str]], language: str, weights: Weights) -> _Searched:
    """Return the shelf, the fields that are searched, and the terms that say best what the texts are about."""
    fields: list[tuple[str, str]] = []
    about: Counter[str] = Counter()
    spelled: set[str] = set()
    languages: set[str] = set()
    lengths: Counter[str] = Counter()
    scripts: Counter[str] = Counter()
    vocabulary: set[str] = set()
    for name, text in texts:
        found = terms(text, language)
        if name == CODE and (code := _code(text, language)):
            fields.append(("compounds", " ".join(code * weights.fields.get("title", 1))))
            fields.append((exact_field(name), " ".join(found.exact)))
            # Its parts make nothing a hit, but a text with the whole code ranks before one with some of them.
            fields.append(("forms", " ".join(form for form in found.forms if "_" in form)))
            fields.append(("grams", " ".join(found.grams)))
            continue
        if name == CODE and any(sign.isdecimal() for sign in text):  # written with blanks: XK 77/9
            code = _code(_SEPARATORS.sub("", text), language)
            fields.append(("compounds", " ".join(code * weights.fields.get("title", 1))))
        languages |= found.languages
        lengths += found.lengths
        scripts += found.scripts
        spelled |= found.spelled
        vocabulary.update(form for form in found.forms if "_" not in form)
        times = weights.fields.get(name, 1)
        for _ in range(times):
            about.update(found.words)
        fields.append(("words", " ".join(found.words * times)))
        fields.append(("compounds", " ".join(found.compounds * times)))
        fields.append(("forms", " ".join(found.forms * times)))
        fields.append(("grams", " ".join(found.grams * times)))
        fields.append((exact_field(name), " ".join(found.exact)))
    fields.append(("home", min(lengths, key=lambda place: (-lengths[place], place), default="")))
    fields += [("language", f"={one}") for one in sorted(languages)]
    fields.append(("spelled", " ".join(sorted({word.lower() for word in spelled}))))
    common = sorted(about.items(), key=lambda item: (-item[1], item[0]))[:_LIKE]
    like = " ".join(term for term, _ in common)
    return _Searched(shelf_of(scripts), fields, like, " ".join(sorted(vocabulary)))


def _code(text: str, language: str) -> list[str]:
    """Return the terms of a code as a whole; none where it is a name of several words."""
    analysis = analyse(text.strip(), language, in_full=False)
    whole = (0, len(analysis.text))
    return list(dict.fromkeys(t.term for t in (*analysis.words, *analysis.compounds) if (t.start, t.end) == whole))


def _language(texts: list[tuple[str, str]]) -> str:
    """Return the language that the texts of a document without one are in together: a title alone is too short."""
    found = languages_of(" \n".join(text for name, text in texts if name != CODE)[:_LOOKED_AT])
    return min((language for language in found if language), default="")


def _scrub(text: str) -> str:
    """Return a text that can be encoded: half of a pair of surrogates, from a broken file name, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
