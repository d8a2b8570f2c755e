"""Files of the topics: ``topics.yaml``, which people read, edit and commit, and ``topics.npz`` with the centroids.

Neither file contains the text of a comment: titles and keywords are words and short phrases that several customers
wrote, and examples are ids of interactions.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.topic_space import TopicSpace
from ckm.errors import UsageError
from ckm.files import replacing
from ckm.yamlfile import dump_yaml, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ckm.yamlfile import YamlEntry

FILE, VECTORS = "topics.yaml", "topics.npz"
SCHEMA = "ckm.topics/1"
HEADER = (
    "# Topics of what customers say, by `ckm feedback-mine --learn`. Edit titles and owners; keep id and centroid.\n"
    "# Topics stay as they are until --refit; --learn adds topics for comments that fit none.\n"
)
REFIT = "ckm feedback-mine --refit learns all topics again, and keeps the ids of those that it finds again"


@dataclass(frozen=True)
class Topic:
    """Topic of customers' comments, as in ``topics.yaml``.

    Attributes
    ----------
    id
        Id, which never changes.
    space
        Name of the vector space of the centroid.
    title
        Title by language.
    keywords
        Words that are frequent in the topic and rare in other topics, by language.
    examples
        Ids of the interactions nearest to the centroid at the time of learning.
    owner
        Person or team responsible for the topic; empty if none is named.
    centroid
        Digest of the centroid in ``topics.npz``.
    """

    id: str
    space: str
    title: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    owner: str = ""
    centroid: str = ""

    def title_in(self, lang: str) -> str:
        """Return the title in a language, else in English, else in any language; the id if there is no title."""
        for each in (lang, lang.partition("-")[0], "en", *sorted(self.title)):
            if self.title.get(each):
                return self.title[each]
        return self.id


@dataclass(frozen=True)
class Topics:
    """All topics with their centroids.

    Attributes
    ----------
    topics
        Topics in the order of the file.
    spaces
        Centroids by space.
    retired
        Ids of earlier topics, which are not given to new topics.
    """

    topics: tuple[Topic, ...] = ()
    spaces: tuple[TopicSpace, ...] = ()
    retired: tuple[str, ...] = ()

    @property
    def by_id(self) -> dict[str, Topic]:
        """The topics by id."""
        return {topic.id: topic for topic in self.topics}

    def free_ids(self) -> _Ids:
        """Return a generator of ids that no current or retired topic has."""
        return _Ids({*self.by_id, *self.retired})

    @property
    def encoder(self) -> str:
        """Digest of the encoder with which the topics were learned; empty if they were learned without an encoder."""
        return next((space.encoder for space in self.spaces if space.encoder), "")

    def with_digests(self) -> Topics:
        """Return a copy in which each topic has the digest of its centroid."""
        digests = {name: space.digest(place) for space in self.spaces for place, name in enumerate(space.ids)}
        return replace(self, topics=tuple(replace(each, centroid=digests[each.id]) for each in self.topics))


@dataclass
class _Ids:
    """Generator of the ids ``topic-1``, ``topic-2`` … that are not in ``taken``."""

    taken: set[str]

    def next(self) -> str:
        """Return the next free id."""
        number = 1
        while (name := f"topic-{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name


def read_topics(folder: Path, *, refit: bool = False) -> Topics | None:
    """Read the topics of a folder; None without ``topics.yaml``.

    Parameters
    ----------
    folder
        Folder with ``topics.yaml`` and ``topics.npz``.
    refit
        Whether the topics are read for a refit. Then a damaged ``topics.npz`` and topics without a valid centroid are
        accepted, since the refit replaces both files.

    Raises
    ------
    UsageError
        A file is invalid, or a centroid in ``topics.npz`` differs from its digest in ``topics.yaml``; the message names
        file and line.
    """
    document = read_yaml(folder / FILE) if (folder / FILE).is_file() else None
    if document is None:
        return None
    keys = document.fields(("schema", "topics"), ("retired",))
    if keys["schema"].text() != SCHEMA:
        raise UsageError(f"{keys['schema'].where}: unknown schema '{keys['schema'].text()}'", hint=f"expected {SCHEMA}")
    topics = tuple(map(_topic, keys["topics"].items()))
    retired = tuple(each.text() for each in keys["retired"].items()) if "retired" in keys else ()
    try:
        spaces = _read_vectors(folder / VECTORS)
    except UsageError:
        if not refit:
            raise
        spaces = ()
    digests = {name: space.digest(place) for space in spaces for place, name in enumerate(space.ids)}
    changed = {topic.id for topic in topics if digests.get(topic.id) != topic.centroid}
    for topic, entry in zip(topics, keys["topics"].items(), strict=True):
        if topic.id in changed and not refit:
            raise UsageError(f"{entry.where}: {VECTORS} has another centroid of topic '{topic.id}'", hint=REFIT)
    kept = {topic.id for topic in topics} - changed
    return Topics(topics, tuple(_only(space, kept) for space in spaces), retired)


def write_topics(folder: Path, topics: Topics) -> None:
    """Write ``topics.yaml`` and ``topics.npz``, each atomically; equal topics give equal bytes."""
    plain = {
        "schema": SCHEMA,
        "retired": list(topics.retired),
        "topics": [
            {
                "id": topic.id,
                "title": dict(topic.title),
                "owner": topic.owner,
                "keywords": {lang: list(words) for lang, words in topic.keywords.items()},
                "examples": list(topic.examples),
                "space": topic.space,
                "centroid": topic.centroid,
            }
            for topic in topics.topics
        ],
    }
    with replacing(folder / VECTORS) as draft:
        draft.write_bytes(_vectors(topics.spaces))
    with replacing(folder / FILE) as draft:
        draft.write_text(HEADER + dump_yaml(plain), encoding="utf-8", newline="\n")


def _topic(entry: YamlEntry) -> Topic:
    keys = entry.fields(("id", "title", "keywords", "space", "centroid"), ("owner", "examples"))
    return Topic(
        id=keys["id"].text(),
        space=keys["space"].text(),
        title={lang: each.text() for lang, each in keys["title"].mapping().items()},
        keywords={
            lang: tuple(word.text() for word in each.items()) for lang, each in keys["keywords"].mapping().items()
        },
        examples=tuple(each.text() for each in keys["examples"].items()) if "examples" in keys else (),
        owner="" if "owner" not in keys or keys["owner"].is_null else keys["owner"].text(),
        centroid=keys["centroid"].text(),
    )


def _only(space: TopicSpace, kept: set[str]) -> TopicSpace:
    """Return the space with only the topics of ``kept``: topics that users deleted from the file are left out."""
    places = [place for place, name in enumerate(space.ids) if name in kept]
    ids = tuple(space.ids[place] for place in places)
    return replace(
        space,
        ids=ids,
        centroids=space.centroids[places],
        limits=space.limits[places],
        generations=space.generations[places],
    )


def _vectors(spaces: Sequence[TopicSpace]) -> bytes:
    """Return the arrays of the vector spaces as bytes of a ``.npz`` archive: 32-bit floats, without time stamps."""
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    facts = []
    for number, space in enumerate(spaces):
        langs = sorted(space.means)
        facts.append({"name": space.name, "ids": space.ids, "encoder": space.encoder, "langs": langs})
        parts = {
            "centroids": space.centroids,
            "limits": space.limits,
            "weights": space.weights,
            "generations": space.generations,
            "means": np.array([space.means[lang] for lang in langs]),
        }
        arrays.update({f"{number}.{name}": part.astype("<f4") for name, part in parts.items()})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("spaces.json"), json.dumps(facts), zipfile.ZIP_DEFLATED)
        for name, array in arrays.items():
            written = io.BytesIO()
            np.lib.format.write_array(written, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), written.getvalue(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _read_vectors(path: Path) -> tuple[TopicSpace, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("spaces.json"))

            def array(number: int, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
                content = io.BytesIO(archive.read(f"{number}.{name}.npy"))
                found = np.lib.format.read_array(content, allow_pickle=False)
                return np.asarray(found, dtype=np.float64)

            return tuple(
                TopicSpace(
                    name=each["name"],
                    ids=tuple(each["ids"]),
                    centroids=array(number, "centroids"),
                    limits=array(number, "limits"),
                    means=dict(zip(each["langs"], array(number, "means"), strict=True)),
                    weights=array(number, "weights"),
                    generations=array(number, "generations").astype(np.int64),
                    encoder=each["encoder"],
                )
                for number, each in enumerate(facts)
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is missing or damaged", hint=REFIT) from error
