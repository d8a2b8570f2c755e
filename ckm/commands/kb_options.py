"""Options shared by the commands of the knowledge base: its folder and the date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.output import remark
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.settings import KbSettings

KbFolder = Annotated[
    Path | None,
    typer.Option("--kb", metavar="DIR", help="The knowledge base. Default: kb/ of the workspace."),
]
Today = Annotated[
    datetime | None,
    typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Default: today, which is printed."),
]


@dataclass(frozen=True)
class KnowledgePlace:
    """A knowledge base with the settings of its workspace.

    Attributes
    ----------
    folder
        The knowledge folder.
    settings
        Settings ``kb:`` of ckm.yaml; without a workspace the defaults and the environment.
    root
        The workspace; None if there is none.
    """

    folder: Path
    settings: KbSettings
    root: Path | None


def knowledge_place(kb: Path | None, workspace: Path | None) -> KnowledgePlace:
    """Return the knowledge base: ``--kb``, else ``kb/`` of the workspace.

    With ``--kb`` the settings are those of the workspace around that folder, if there is one.

    Raises
    ------
    UsageError
        There is no workspace, or its ckm.yaml has a mistake.
    """
    from ckm.config import find_workspace, load_config, open_workspace

    if kb is None:
        found = open_workspace(workspace)
        return KnowledgePlace(found.kb_dir, found.config.kb, found.root)
    root = workspace or find_workspace(kb)
    return KnowledgePlace(kb, load_config(root).kb, root)


def day_of(as_of: datetime | None) -> date:
    """Return the date of the option, else today."""
    return as_of.date() if as_of is not None else date.today()


def log_shown(root: Path | None, command: str, entries: Iterable[str], *, enabled: bool) -> None:
    """Log the entries that a command showed, if ``kb.log_queries`` is on; a failure is a remark."""
    if root is None or not enabled:
        return
    from ckm._kb.shown_log import FILE, append_shown

    try:
        append_shown(root / "out" / FILE, command, entries)
    except OSError as error:
        remark(doubt(f"the shown entries were not logged in out/{FILE}: {error.strerror}"))
