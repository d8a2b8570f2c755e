"""The knowledge base as a notebook uses it: what is wrong with it, one entry, a new one.

>>> report = lint(Path("kb"), as_of=date(2026, 6, 30))
>>> [(finding.rule, finding.file, finding.line) for finding in report.findings]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from ckm.knowledge.draft import Draft, Wanted
    from ckm.knowledge.linked import Shown
    from ckm.knowledge.lint import Expected, LintReport
    from ckm.settings import KbSettings

__all__ = ["lint", "new_entry", "show"]

KEPT = "lint"
"""Folder in the cache folder of a knowledge base."""


def lint(
    folder: Path,
    as_of: date,
    *,
    settings: KbSettings | None = None,
    segments: Path | None = None,
    keep: bool = True,
    advance: Callable[[float], None] = lambda amount: None,
) -> LintReport:
    """Find what is wrong with a knowledge base.

    Parameters
    ----------
    folder
        Of the knowledge base.
    as_of
        The day: reviews due before it are overdue, entries that ended before it expired.
    settings
        What the team has agreed on (``kb:`` of ckm.yaml).
    segments
        Folder of the workspace's definitions of segments, whose names entries may use beside those of ckm's methods.
    keep
        Whether what was read and found is kept in the cache folder, for the next time.
    advance
        Told how many files more are done.

    Raises
    ------
    UsageError
        There is no such folder, or ``settings.skip`` names a rule that there is not.
    """
    from ckm.knowledge.cache_folder import cache_folder
    from ckm.knowledge.lint import Expected, lint_folder
    from ckm.knowledge.reason_codes import reason_codes

    _needs(folder)
    agreed = settings or Config().kb

    def expected() -> Expected:
        return Expected(
            topics=frozenset(agreed.topics),
            departments=frozenset(agreed.departments),
            segments=frozenset(_segment_names(segments)),
            reasons=reason_codes(),
            languages=agreed.languages,
            freshness=agreed.freshness,
            alike=agreed.alike,
            skip=agreed.skip,
        )

    state = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _definitions(segments)]
    return lint_folder(
        folder,
        as_of,
        expected,
        agreed=repr((agreed, state)),
        place=cache_folder(folder) / KEPT if keep else None,
        advance=advance,
    )


def show(folder: Path, name: str, as_of: date, *, lang: str = "", similar: Iterable[str] = ()) -> Shown:
    """Return an entry with what supersedes it, what it supersedes, and what is related.

    Parameters
    ----------
    folder
        Of the knowledge base.
    name
        Id of the entry.
    as_of
        The day by which it is expired or due.
    lang
        Language for titles of others (BCP 47); ``""`` for any.
    similar
        Ids of the entries that are like it, best first, as the index finds them.

    Raises
    ------
    UsageError
        There is no such folder or entry (the near ids are suggested), or the entry cannot be read.
    """
    from ckm.knowledge.cache_folder import cache_folder
    from ckm.knowledge.kept import read_kept
    from ckm.knowledge.linked import show_entry
    from ckm.knowledge.listing import files

    _needs(folder)
    base = read_kept(folder, files(folder), cache_folder(folder) / KEPT)
    return show_entry(base, name, as_of, lang, similar)


def new_entry(folder: Path, wanted: Wanted, as_of: date, *, force: bool = False) -> Draft:
    """Write a draft into a knowledge base.

    Parameters
    ----------
    folder
        Of the knowledge base; it is made if it is not there.
    wanted
        What is known of the entry.
    as_of
        The day on which it was learned.
    force
        Overwrite the draft's own file; an id that another file holds is refused all the same.

    Raises
    ------
    UsageError
        The id is unfit or taken, the file is there, or it cannot be written.
    """
    from ckm.knowledge.draft import write_draft

    return write_draft(folder, wanted, as_of, force=force)


def _needs(folder: Path) -> None:
    from ckm.errors import UsageError

    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}", hint="--kb DIR names the knowledge base; ckm kb-new starts one"
        )


def _segment_names(folder: Path | None) -> Iterator[str]:
    """Yield the names of segments: of ckm's methods, and of the workspace's definitions that can be read."""
    from ckm.errors import CkmError
    from ckm.knowledge.segment_names import usual_segment_names

    yield from usual_segment_names()
    definitions = _definitions(folder)
    if definitions:
        from ckm.segmentation.saved import load_definition
    for path in definitions:
        try:
            yield from (segment.name for segment in load_definition(path).definition.segments)
        except CkmError:  # whoever segments with it is told
            continue


def _definitions(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.yaml")) if folder is not None and folder.is_dir() else []
