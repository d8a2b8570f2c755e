"""What the commands of the knowledge base share: where it is, and the day they stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
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
class Place:
    """A knowledge base, and what its workspace says of it.

    Attributes
    ----------
    folder
        Of the knowledge base.
    settings
        ``kb:`` of ckm.yaml, else the defaults and the environment.
    root
        The workspace; None where there is none.
    """

    folder: Path
    settings: KbSettings
    root: Path | None


def knowledge_place(kb: Path | None, workspace: Path | None) -> Place:
    """Return the knowledge base that is meant: ``--kb``, else ``kb/`` of the workspace.

    With ``--kb`` alone the settings are those of the workspace around that folder, if there is one.

    Raises
    ------
    UsageError
        Neither is there, or the workspace's ckm.yaml has a mistake.
    """
    from ckm.config import find_workspace, load_config, open_workspace

    if kb is None:
        found = open_workspace(workspace)
        return Place(found.kb_dir, found.config.kb, found.root)
    root = workspace or find_workspace(kb)
    return Place(kb, load_config(root).kb, root)


def day_of(as_of: datetime | None) -> date:
    """Return the day given, else today: entries have no newest day of their own to stand on."""
    return as_of.date() if as_of is not None else date.today()
