"""Create a draft of an entry with the given values, and comments that explain the other keys."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._kb.entry_files import read_file
from ckm._kb.entry_reader import LONGEST_ID, is_id
from ckm._kb.entry_schema import VERSION, Shape, entry_shape, patterns, words
from ckm._kb.file_listing import files
from ckm._kb.lint.placeholders import TO_FILL_IN
from ckm.errors import UnknownNameError, UsageError
from ckm.files import replacing
from ckm.plaintext import one_line
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ORIGINS = Path(__file__).parents[1] / "data" / "knowledge_origins.yaml"
REVIEW_DAYS = 180
"""Default days until the first review."""
LONGEST_SLUG = 60
"""Characters of an id made from a title: 240 bytes at most, which is a valid name on every file system."""
RESERVED_NAMES = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)
"""Names that are not allowed for files on Windows."""
YAML_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
OPTIONAL = {
    "facet": "policy",
    "need": "explicit",
    "cause": "...",
    "aliases": "[other words, another phrase]",
    "environment": "...",
    "classify": "{topics: [delivery], departments: [service], products: [P-1], segments: [Champions]}",
    "applies": "{channels: [web], regions: [DE], valid_from: 2026-01-01, valid_until: 2026-12-31}",
    "authentic": "{status: verified, by: ..., at: 2026-01-31, how: ...}",
    "access": "{classification: internal, read: [service], write: [service], contains_personal_data: false}",
    "links": "{supersedes: [other-entry], related: [other-entry]}",
}
"""Keys that a draft contains as comments, with an example."""


@dataclass(frozen=True)
class Origin:
    """What the origin of knowledge implies: its SECI mode, and its kind (about, for or from customers)."""

    mode: str
    kind: str


@dataclass(frozen=True)
class DraftFields:
    """Given values of a new entry.

    Attributes
    ----------
    origin
        Origin of the knowledge, one of :func:`origins`.
    kind
        ``about``, ``for`` or ``from``; None: the default kind of the origin.
    id
        Id; None: made from the title.
    lang
        Language of its texts; ``""`` for an unknown one.
    title
        Title; None: a placeholder.
    review_days
        Days until the next review.
    """

    origin: str = "experience"
    kind: str | None = None
    id: str | None = None
    lang: str = ""
    title: str | None = None
    review_days: int = REVIEW_DAYS


@dataclass(frozen=True)
class Draft:
    """A draft that was written: file, id and text."""

    path: Path
    id: str
    text: str


@cache
def origins() -> Mapping[str, Origin]:
    """Return all origins by name, with the SECI mode and kind of each."""
    document = read_yaml(ORIGINS)
    assert document is not None
    return {
        name: Origin(*(entry.mapping()[key].text() for key in ("mode", "kind")))
        for name, entry in document.mapping().items()
    }


def write_draft(folder: Path, wanted: DraftFields, as_of: date, *, force: bool = False) -> Draft:
    """Write a draft and return it; see :func:`ckm.kb.new_entry`."""
    _check_fields(wanted)
    taken = _ids(folder)
    if wanted.id is not None:
        name = wanted.id
    else:
        name = _free(slug(wanted.title or "") or "draft", {*taken, *_stems(folder)} if not force else set())
    path = folder / f"{slug(name) or 'draft'}.yaml"
    holder = taken.get(name)
    if holder is not None and (folder / holder != path or not force):
        raise UsageError(f"the id '{name}' is taken by {folder / holder}", hint="choose another one with --id")
    if path.is_symlink():
        raise UsageError(f"{path} is a link", hint="remove it, or choose another id")
    if path.exists() and not force:
        raise UsageError(f"{path} already exists", hint="--force overwrites it; --id chooses another name")
    text = skeleton(name, wanted, as_of)
    with replacing(path, shared=True) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    return Draft(path, name, text)


def slug(title: str) -> str:
    """Return a title as an id and file name: letters, digits and marks of any script, separated by dashes.

    >>> slug("Wo bleibt mein Paket?")
    'wo-bleibt-mein-paket'
    """
    normal = unicodedata.normalize("NFKC", title).casefold()
    # Marks include the vowels of Thai.
    letters = "".join(sign if unicodedata.category(sign)[0] in "LNM" else "-" for sign in normal)
    name = re.sub("-+", "-", letters)[:LONGEST_SLUG].strip("-")
    return f"{name}-entry" if RESERVED_NAMES.fullmatch(name) else name


def skeleton(name: str, wanted: DraftFields, as_of: date) -> str:
    """Return the YAML of a draft."""
    origin = origins()[wanted.origin]
    due = date.fromordinal(min(as_of.toordinal() + wanted.review_days, date.max.toordinal()))
    unknown = json.dumps(TO_FILL_IN)
    written = {
        "schema": VERSION,
        "id": _scalar(name),
        "kind": wanted.kind or origin.kind,
        "lang": wanted.lang,
        "title": _scalar(wanted.title) if wanted.title else unknown,
        "issue": unknown,
        "resolution": unknown,
        "state": "{confidence: wip}",
        "answers": "{reasons: [], questions: []}",
        "provenance": f"{{origin: {wanted.origin}, sources: [], collected_by: {unknown}, collected_at: {as_of}}}",
        "review": f"{{owner: {unknown}, reviewers: [], interval_days: {wanted.review_days}, due: {due}}}",
        "seci": f"{{mode: {origin.mode}}}",
    }
    lines = [
        "# A draft by `ckm kb-new`: replace the question marks, delete the keys that you do not need.",
        "# Texts can have several languages: {en: ..., de: ...}. `ckm kb-lint` lists what is missing.",
    ]
    for key, shape in entry_shape().keys.items():
        if key in written and (written[key] or key != "lang"):
            lines += ["", *_comment(key, shape), f"{key}: {written[key]}"]
        elif key in OPTIONAL:
            lines += ["", *_comment(key, shape), f"# {key}: {OPTIONAL[key]}"]
    return "\n".join(lines) + "\n"


def _comment(key: str, shape: Shape) -> Iterator[str]:
    known = f" ({', '.join(shape.words)})" if len(shape.words) > 1 else ""
    yield f"# {shape.description}{known}"
    for name, inner in shape.keys.items():
        choices = f" ({', '.join(inner.words)})" if inner.words else ""
        yield f"#   {name}: {inner.description}{choices}"


def _scalar(text: str) -> str:
    """Return a text as a YAML scalar; JSON strings are valid YAML."""
    plain = re.fullmatch(r"[A-Za-z][\w.-]*( [\w.-]+)*", text, re.ASCII) and text.casefold() not in YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _check_fields(wanted: DraftFields) -> None:
    if wanted.origin not in origins():
        raise UnknownNameError("origin", wanted.origin, origins(), where="--from")
    if wanted.kind is not None and wanted.kind not in words("kind"):
        raise UnknownNameError("kind", wanted.kind, words("kind"), where="--kind")
    if wanted.lang and not re.fullmatch(patterns()["language"], wanted.lang):
        raise UsageError(
            f"'{wanted.lang}' is not a language tag", hint="write a BCP 47 tag such as de, pt-BR or zh-Hant"
        )
    if wanted.title is not None and (not wanted.title.strip() or one_line(wanted.title) != wanted.title):
        raise UsageError(
            "a title must be one line without control characters", hint="leave out --title to fill it in later"
        )
    if wanted.id is not None and not is_id(wanted.id):
        raise UsageError(
            f"an id must have at most {LONGEST_ID} printable characters, no spaces, and no dash in front",
            hint=f"write --id {slug(wanted.id) or 'a-name'}",
        )


def _ids(folder: Path) -> dict[str, str]:
    """Return the file of every id."""
    found: dict[str, str] = {}
    for name, _ in files(folder).files:
        for entry in read_file(folder / name, folder)[0]:
            found.setdefault(entry.id, name)
    return found


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.yaml")} if folder.is_dir() else set()


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while (chosen := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return chosen
