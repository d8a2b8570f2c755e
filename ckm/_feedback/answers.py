"""Find the knowledge entries that answer topics, and write drafts of entries for topics without an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.topic_assignment import assign
from ckm._feedback.topic_space import MEANING, OTHER, Sentences
from ckm._kb.draft import DraftFields, skeleton
from ckm._kb.entry_files import read_folder
from ckm.files import replacing
from ckm.search.analysis import analyse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from ckm._feedback.text_vectors import SentenceEncoder
    from ckm._feedback.topics_file import Topic, Topics
    from ckm._kb.entry import KnowledgeEntry

NEAR = 0.55
"""Smallest cosine of a title, alias or question to the centroid at which an entry answers the topic. Comments on a
topic have 0.4 to 0.7; in spaces of words and character n-grams an unrelated phrase reaches 0.7."""
SHARED = 2
"""Fewest keywords of the topic in such a phrase, in spaces of words and character n-grams: a single keyword is often a
common word, such as "parcel"."""
DRAFTS = "drafts"
"""Folder of the drafts within the knowledge base."""


@dataclass(frozen=True)
class Answers:
    """Knowledge entries that answer topics, and drafts for topics without an answer.

    Attributes
    ----------
    by_topic
        Sorted ids of the entries that answer a topic, by topic id. Topics without an answer are no keys.
    drafts
        Path of the draft that lists a topic without an answer, relative to the knowledge base, by topic id.
    """

    by_topic: Mapping[str, tuple[str, ...]]
    drafts: Mapping[str, str]


def answers_to(topics: Topics, folder: Path, as_of: date, encoder: SentenceEncoder | None) -> Answers:
    """Return the entries that answer each topic.

    Only entries that are complete, not archived, and valid on ``as_of`` answer topics. An entry answers a topic that it
    lists in ``classify.topics``, and a topic to which one of its titles, aliases or questions is assigned at a cosine
    of at least :data:`NEAR`. For a topic of words and character grams (in a language that the encoder does not cover),
    the title, alias or question must also contain :data:`SHARED` keywords of the topic.

    Parameters
    ----------
    topics
        The topics.
    folder
        Folder of the knowledge base. If it does not exist, the result is empty.
    as_of
        Day on which entries must be valid.
    encoder
        Encoder with which the topics were learned; None if they were learned without an encoder.
    """
    if not folder.is_dir():
        return Answers({}, {})
    entries = [entry for entry in read_folder(folder).entries if entry.valid_on(as_of)]
    phrases = [
        (entry.id, lang, text) for entry in entries if entry.in_use for lang, text in _phrases(entry) if text.strip()
    ]
    found: dict[str, set[str]] = {}
    for entry in entries:
        for topic in entry.classify.topics:
            if entry.in_use and topic in topics.by_id:
                found.setdefault(topic, set()).add(entry.id)
    if phrases:
        read = Sentences([text for *_, text in phrases], [lang for _, lang, _ in phrases], np.arange(len(phrases)))
        assigned = assign(topics.spaces, read, encoder)
        by_id = topics.by_id
        for (name, lang, text), topic, cosine in zip(phrases, assigned.topics, assigned.cosines.tolist(), strict=True):
            if topic == OTHER or cosine < NEAR:
                continue
            if by_id[topic].space == MEANING or shared_keywords(text, lang, by_id[topic]) >= SHARED:
                found.setdefault(topic, set()).add(name)
    drafts = {
        topic: entry.path
        for entry in entries
        if not entry.in_use
        for topic in entry.classify.topics
        if topic in topics.by_id and topic not in found
    }
    return Answers({topic: tuple(sorted(names)) for topic, names in found.items()}, drafts)


def write_drafts(
    folder: Path, topics: Sequence[Topic], evidence: Mapping[str, Collection[str]], as_of: date
) -> tuple[Path, ...]:
    """Write one draft per topic to ``drafts/`` of a knowledge base, and return the written files.

    Existing files are not overwritten. A draft contains the title of the topic, its keywords as aliases, and ids of
    interactions as sources. Issue and resolution are left for people to write.

    Parameters
    ----------
    folder
        Folder of the knowledge base.
    topics
        Topics without an answer.
    evidence
        Ids of interactions by topic.
    as_of
        Date of the drafts.
    """
    written = []
    for topic in topics:
        path = folder / DRAFTS / f"{topic.id}.yaml"
        if path.exists() or path.is_symlink():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(_draft(topic, evidence.get(topic.id, ()), as_of), encoding="utf-8", newline="\n")
        written.append(path)
    return tuple(written)


def shared_keywords(text: str, lang: str, topic: Topic) -> int:
    """Count the keywords of a topic in a text, in any inflection; a Chinese keyword counts once per two characters."""
    words = topic.keywords.get(lang) or topic.keywords.get(lang.partition("-")[0], ())
    terms = {token.term for token in analyse(text, lang, in_full=False).words}
    chinese = sum(len(word) // 2 for word in words if "\u3400" <= word[0] <= "\u9fff" and word in text)
    return chinese + sum(
        bool(terms.intersection(token.term for token in analyse(word, lang, in_full=False).words))
        for word in words
        if not "\u3400" <= word[0] <= "\u9fff"
    )


def _phrases(entry: KnowledgeEntry) -> Iterator[tuple[str, str]]:
    yield from entry.title.by_lang.items()
    for by_lang in (entry.aliases, entry.answers.questions):
        for lang, texts in by_lang.items():
            yield from ((lang, text) for text in texts)


def _draft(topic: Topic, evidence: Collection[str], as_of: date) -> str:
    """Return the YAML of a draft for a topic, by the template of ``ckm kb-new``."""
    title = json.dumps(dict(topic.title) or {"en": topic.id}, ensure_ascii=False)
    words = {lang: list(each) for lang, each in topic.keywords.items()}
    values = {
        "title": title,
        "aliases": json.dumps(words, ensure_ascii=False),
        "classify": f"{{topics: [{topic.id}]}}",
    }
    lines = []
    for line in skeleton(f"draft-{topic.id}", DraftFields(origin="complaint"), as_of).splitlines():
        key = line.removeprefix("# ").partition(":")[0]
        if key in values and line.removeprefix("# ").startswith(f"{key}: "):
            line = f"{key}: {values.pop(key)}"
        elif line.startswith("provenance:"):
            line = line.replace("sources: []", f"sources: {json.dumps(list(evidence), ensure_ascii=False)}")
        lines.append(line)
    lines[0] = "# A draft by `ckm feedback-mine --drafts` for a topic that customers write about and no entry answers."
    return "\n".join(lines) + "\n"
