"""Convert a record to the documents of the index: one per language of its texts."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import tantivy

from ckm.search.analysis import analyse
from ckm.search.analysis.document_terms import languages_of, terms
from ckm.search.index_schema import CODE, FIRST, exact_field, label_term
from ckm.search.shards import shard_of

if TYPE_CHECKING:
    from ckm.search.index_record import IndexRecord
    from ckm.search.weights import Weights

_LIKE = 40  # maximum number of terms stored per document, for similar records
_SEPARATORS = re.compile(r"[\s/._-]+")  # between the parts of a code
_DETECTED = 4000  # maximum characters of a text for language detection


class IndexDocument(NamedTuple):
    """A document as plain values, so that another process can create it.

    Attributes
    ----------
    shard
        Name of the shard for the document (:func:`ckm.search.shards.shard_of`).
    texts
        Field and text, in order; a field may occur several times.
    like
        Most frequent terms, separated by spaces.
    vocabulary
        Folded words of scripts with spaces, separated by spaces.
    stored
        Stored content of the record in its first document; empty in further documents.
    """

    shard: str
    texts: tuple[tuple[str, str], ...]
    like: str
    vocabulary: str
    stored: str | None


def index_documents(record: IndexRecord, weights: Weights) -> list[IndexDocument]:
    """Return the documents of a record: one per language tag of its texts; a single document if no text has a tag."""
    tags = list(dict.fromkeys(tag for _, tag, _ in record.texts if tag)) or [""]
    common = [("key", _scrub(record.key)), ("group", _scrub(record.group))]
    common += [("label", label_term(name, _scrub(value))) for name, values in record.labels.items() for value in values]
    stored = record.stored.encode("utf-8", "replace").decode()
    documents = []
    for number, tag in enumerate(tags):
        texts = [(name, text) for name, of, text in record.texts if of in (tag, "")]
        found = _searched(texts, tag or _language(texts), weights)
        fields = (*common, *([] if number else [("label", FIRST)]), *found.fields)
        documents.append(IndexDocument(found.shard, fields, found.like, found.vocabulary, None if number else stored))
    return documents


def tantivy_document(document: IndexDocument) -> tantivy.Document:
    """Return a document as an object of tantivy."""
    converted = tantivy.Document()
    for name, text in document.texts:
        converted.add_text(name, text)
    converted.add_bytes("like", document.like.encode())
    converted.add_bytes("vocabulary", document.vocabulary.encode())
    if document.stored is not None:
        converted.add_bytes("stored", document.stored.encode())
    return converted


class _Searched(NamedTuple):
    """The parts of an :class:`IndexDocument` that depend on the language."""

    shard: str
    fields: list[tuple[str, str]]
    like: str
    vocabulary: str


def _searched(texts: list[tuple[str, str]], language: str, weights: Weights) -> _Searched:
    """Return shard, index fields, most frequent terms and vocabulary of the texts of a document."""
    exact: list[tuple[str, str]] = []  # with positions, so that a phrase does not span two texts
    words: list[str] = []
    compounds: list[str] = []
    forms: list[str] = []
    grams: list[str] = []
    about: Counter[str] = Counter()
    spelled: set[str] = set()
    languages: set[str] = set()
    lengths: Counter[str] = Counter()
    scripts: Counter[str] = Counter()
    vocabulary: set[str] = set()
    for name, text in texts:
        found = terms(text, language)
        exact.append((exact_field(name), " ".join(found.exact)))
        times = weights.fields.get(name, 1)
        if name == CODE and (code := _code(text, language)):
            compounds += code * weights.fields.get("title", 1)
            # Only pairs of neighbouring parts are forms, not single parts: one part of a code is not a match, and a
            # text with the whole code ranks before one with some of its pairs.
            forms += [form for form in found.forms if "_" in form]
            grams += found.grams
            continue
        if name == CODE and any(sign.isdecimal() for sign in text):  # written with blanks: XK 77/9
            compounds += _code(_SEPARATORS.sub("", text), language) * weights.fields.get("title", 1)
        languages |= found.languages
        lengths.update(found.lengths)
        scripts.update(found.scripts)
        spelled |= found.spelled
        vocabulary |= found.vocabulary
        about.update(found.words * times)
        words += found.words * times
        compounds += found.compounds * times
        forms += found.forms * times
        grams += found.grams * times
    lengths, scripts = +lengths, +scripts  # without those of numbers alone
    fields = [(name, text) for name, text in exact if text]
    terms_of_all = {"words": words, "compounds": compounds, "forms": forms, "grams": grams}
    fields += [(name, " ".join(found)) for name, found in terms_of_all.items() if found]
    fields.append(("home", min(lengths, key=lambda place: (-lengths[place], place), default="")))
    fields += [("language", f"={one}") for one in sorted(languages)]
    fields.append(("spelled", " ".join(sorted({word.lower() for word in spelled}))))
    common = sorted(about.items(), key=lambda item: (-item[1], item[0]))[:_LIKE]
    like = " ".join(term for term, _ in common)
    return _Searched(shard_of(scripts), fields, like, " ".join(sorted(vocabulary)))


def _code(text: str, language: str) -> list[str]:
    """Return the terms of a code as a whole; none if the code consists of several words."""
    analysis = analyse(text.strip(), language, in_full=False)
    whole = (0, len(analysis.text))
    return list(dict.fromkeys(t.term for t in (*analysis.words, *analysis.compounds) if (t.start, t.end) == whole))


def _language(texts: list[tuple[str, str]]) -> str:
    """Return the language of a document, detected from all its texts: a title alone is too short."""
    found = languages_of(" \n".join(text for name, text in texts if name != CODE)[:_DETECTED])
    return min((language for language in found if language), default="")


def _scrub(text: str) -> str:
    """Return a text without lone surrogates, which come from file names that are not UTF-8; they are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
