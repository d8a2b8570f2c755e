"""``ckm kb-new``: write a draft of an entry."""

from __future__ import annotations

from typing import Annotated

import typer

from ckm.commands.kb_options import KbFolder, Today, day_of, knowledge_place
from ckm.commands.options import Force, Workspace
from ckm.output import emit_text, note


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-new``."""
    app.command("kb-new")(kb_new)


def kb_new(
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title in a few words.")] = None,
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ORIGIN",
            help="Origin of the knowledge: observation, interview, complaint, question, survey, idea, praise, "
            "workshop, experience, document, analysis, training, import.",
        ),
    ] = "experience",
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="about, for or from the customer. Default: the usual kind of the origin."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--id", metavar="ID", help="Default: made from the title.")] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="Language of its texts: de, zh-Hant, ...")] = "",
    review_days: Annotated[
        int, typer.Option("--review-days", metavar="DAYS", min=1, max=36500, help="Days until the next review.")
    ] = 180,
    kb: KbFolder = None,
    as_of: Today = None,
    workspace: Workspace = None,
    force: Force = False,
) -> None:
    """Write a draft of an entry and print its file name.

    Comments explain each key. Id, origin, mode, date and the next review are filled in. Missing values are question
    marks, which `ckm kb-lint` lists as warnings. An existing file is overwritten only with --force.

    Examples:
      ckm kb-new --from complaint --title "Parcel left in the rain" --lang en
      ckm kb-new --from interview --kind about --id buys-for-the-office
      $EDITOR "$(ckm kb-new --from question --title 'Wo bleibt mein Paket?' --lang de)"
    """
    from ckm import kb as knowledge
    from ckm._kb.draft import DraftFields

    place, day = knowledge_place(kb, workspace), day_of(as_of)
    draft = knowledge.new_entry(
        place.folder, DraftFields(origin, kind, name, lang, title, review_days), day, force=force
    )
    emit_text(f"{draft.path}\n")
    note(f"draft '{draft.id}' as of {day}; replace the question marks, then run ckm kb-lint")
