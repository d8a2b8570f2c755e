"""``ckm kb-show``: show an entry."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.completion import entries
from ckm.commands.kb_options import KbFolder, Today, day_of, knowledge_place, log_shown
from ckm.commands.options import Output, Workspace
from ckm.output import emit_text

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._kb.entry_view import EntryView


class ShowFormat(StrEnum):
    """Format of an entry: a page, or all fields as JSON."""

    table = "table"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-show``."""
    app.command("kb-show")(kb_show)


def kb_show(
    name: Annotated[str, typer.Argument(metavar="ID", help="Id of the entry.", autocompletion=entries)],
    kb: KbFolder = None,
    prefer_lang: Annotated[
        str | None,
        typer.Option(
            "--prefer-lang",
            metavar="TAG",
            help="Language of texts with several languages. Default: all languages.",
        ),
    ] = None,
    related: Annotated[
        bool, typer.Option("--related", help="Also show the most similar entries, by the index of kb-search.")
    ] = False,
    as_of: Today = None,
    fmt: Annotated[
        ShowFormat | None, typer.Option("--format", "-f", help="A page, or all fields. Default: table.")
    ] = None,
    output: Output = None,
    workspace: Workspace = None,
) -> None:
    """Show an entry with the entries that supersede it, that it supersedes, and that are related.

    Shows whether it is valid on the date, when its review is due, and its mistakes. For an unknown id the exit code is
    2 and similar ids are suggested.

    Examples:
      ckm kb-show late-parcel
      ckm kb-show late-parcel --prefer-lang de
      ckm kb-show late-parcel -f json
    """
    from ckm import kb as knowledge

    place, day = knowledge_place(kb, workspace), day_of(as_of)
    lang = prefer_lang if prefer_lang is not None else place.settings.prefer_lang or ""
    like = knowledge.related(place.folder, name, as_of=day) if related and place.folder.is_dir() else []
    shown = knowledge.show(place.folder, name, day, lang=lang, similar=[hit.id for hit in like])
    log_shown(place.root, "kb-show", [shown.entry.id], enabled=place.settings.log_queries)
    if (fmt or _default(output)) is ShowFormat.json:
        from ckm.commands.kb_page import as_json

        emit_text(as_json(shown), output=output)
        return
    _print(shown, output)


def _default(output: Path | None) -> ShowFormat:
    return ShowFormat.json if output is not None and output.suffix == ".json" else ShowFormat.table


def _print(shown: EntryView, output: Path | None) -> None:
    """Print the page; only on a terminal its lines are wrapped."""
    from ckm.commands.kb_page import as_text, draw, page
    from ckm.render.screen import window

    blocks = page(shown)
    if output is None and window() is not None:
        draw(blocks)
    else:
        emit_text(as_text(blocks), output=output)
