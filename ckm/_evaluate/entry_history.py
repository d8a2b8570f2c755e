"""History of knowledge entries: their versions in the git repository of the workspace."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ckm._kb.entry_reader import read_document
from ckm.yamlnodes import YamlError, compose_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from ckm._kb.entry import KnowledgeEntry

MOST_VERSIONS = 20_000
"""Maximum number of file versions that are read, the newest ones; reading one takes about a millisecond."""
SUFFIXES = (".yaml", ".yml")
PLAIN = ("-c", "color.ui=false", "-c", "log.showSignature=false")
"""Options of git that override settings of the user which would change the output."""
_MARK = "commit "


@dataclass(frozen=True)
class FileVersion:
    """Content of a file after a commit.

    Attributes
    ----------
    day
        Day of the commit, in the time zone of the shop.
    path
        Path relative to the folder of the knowledge base.
    entries
        Entries in the file; empty if the commit removed it, or if it is not valid YAML.
    """

    day: date
    path: str
    entries: tuple[KnowledgeEntry, ...]


@dataclass(frozen=True)
class EntryHistory:
    """Versions of all files of the knowledge base.

    Attributes
    ----------
    versions
        One item per commit and changed file, oldest first.
    """

    versions: tuple[FileVersion, ...]

    def entries_on(self, day: date) -> list[KnowledgeEntry] | None:
        """Return the entries as committed by the end of a day, sorted by path; None before the first version."""
        if not self.versions or self.versions[0].day > day:
            return None
        files = {each.path: each.entries for each in self.versions if each.day <= day}
        return [entry for path in sorted(files) for entry in files[path]]

    def has_commits_after(self, day: date) -> bool:
        """Return whether a commit changed an entry after a day."""
        return any(each.day > day for each in self.versions)

    def modes(self) -> Mapping[str, list[tuple[date, str]]]:
        """Return the changes of the mode of knowledge conversion (``seci.mode``) by id of the entry.

        Each change is the day of the commit and the new mode, oldest first; the first mode of an entry is included.
        """
        found: dict[str, list[tuple[date, str]]] = {}
        for version in self.versions:
            for entry in version.entries:
                if entry.seci is None:
                    continue
                steps = found.setdefault(entry.id, [])
                if not steps or steps[-1][1] != entry.seci:
                    steps.append((version.day, entry.seci))
        return found


def read_history(folder: Path, time_zone: str) -> EntryHistory | None:
    """Read the committed versions of the entry files in a folder.

    Parameters
    ----------
    folder
        Folder of the knowledge base.
    time_zone
        Time zone of the shop, in which the days of commits are computed.

    Returns
    -------
    EntryHistory | None
        At most :data:`MOST_VERSIONS` versions, without uncommitted changes; None if git is not installed, the folder is
        not in a repository, or it has no commits.
    """
    log = _git(folder, "log", "--reverse", "--no-renames", "--no-merges", "--raw", "--no-abbrev", "--relative", "-z",
               f"--format={_MARK}%ct", "--", ".")  # fmt: skip
    if not log:
        return None
    zone = ZoneInfo(time_zone)
    changes = list(_changes(log.decode("utf-8", "surrogateescape")))[-MOST_VERSIONS:]
    blobs = [blob for _, blob, _ in changes if blob]
    contents = _contents(folder, blobs)
    versions = []
    for seconds, blob, path in changes:
        entries = tuple(_entries(contents.get(blob, ""), path)) if blob else ()
        versions.append(FileVersion(datetime.fromtimestamp(seconds, UTC).astimezone(zone).date(), path, entries))
    return EntryHistory(tuple(versions)) if versions else None


def last_commit(folder: Path) -> str | None:
    """Return the first twelve digits of the newest commit that changed a folder; None without git or a repository."""
    found = _git(folder, "log", "-1", "--format=%h", "--abbrev=12", "--", ".") if folder.is_dir() else None
    return found.decode().strip() if found else None


def _git(folder: Path, *words: str, stdin: bytes = b"") -> bytes | None:
    """Run git in a folder, and return its standard output; None if git is not installed or returns an error.

    ``words`` are the arguments of git, ``stdin`` its standard input. Git fails outside of a repository.
    """
    try:
        done = subprocess.run(
            ["git", *PLAIN, "-C", str(folder), *words],
            input=stdin,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _changes(log: str) -> Iterator[tuple[int, str, str]]:
    """Yield each change of an entry file in the output of ``git log --raw -z``.

    A change is the time of the commit (Unix seconds), the id of the blob (empty if the file was removed) and the path.
    """
    seconds, parts = 0, iter(log.split("\0"))
    for part in parts:
        text = part.lstrip("\n")
        if text.startswith(_MARK):
            head, _, rest = text.partition("\n")
            seconds, text = int(head.removeprefix(_MARK)), rest.lstrip("\n")
        if text.startswith(":"):
            _, mode, _, blob, status = text.split(" ")[:5]
            path = next(parts, "")
            if PurePosixPath(path).suffix in SUFFIXES and (mode.startswith("100") or status == "D"):
                yield seconds, "" if status == "D" else blob, path


def _contents(folder: Path, blobs: list[str]) -> dict[str, str]:
    """Return the text of each blob by its id; blobs that git does not have are empty texts."""
    wanted = list(dict.fromkeys(blobs))
    data = _git(folder, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in wanted).encode()) or b""
    found, place = {}, 0
    while place < len(data):
        end = data.index(b"\n", place)
        words = data[place:end].split(b" ")
        size = int(words[2]) if len(words) == 3 else 0
        found[words[0].decode()] = data[end + 1 : end + 1 + size].decode("utf-8", "replace").removeprefix("\ufeff")
        place = end + 1 + (size + 1 if len(words) == 3 else 0)
    return found


def _entries(text: str, path: str) -> Iterator[KnowledgeEntry]:
    """Yield the entries in the text of a file, until a YAML error."""
    try:
        for number, root in enumerate(compose_documents(text), 1):
            entry, _ = read_document(root, path, number)
            if entry is not None:
                yield entry
    except YamlError:
        return
