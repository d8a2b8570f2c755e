"""``ckm kb-new``: a draft with the right skeleton."""

from __future__ import annotations

from typing import Annotated

import typer

from ckm.commands.knowledge import KbFolder, Today, day_of, knowledge_place
from ckm.commands.options import Force, Workspace
from ckm.output import emit_text, note


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-new``."""
    app.command("kb-new")(kb_new)


def kb_new(
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What it is about, in a few words.")
    ] = None,
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ORIGIN",
            help="How it was learned: observation, interview, complaint, question, survey, idea, praise, workshop, "
            "experience, document, analysis, training, import.",
        ),
    ] = "experience",
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="about, for or from the customer. Default: as the origin suggests."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--id", metavar="ID", help="Default: made from the title.")] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="TAG", help="Language of its texts: de, zh-Hant, ...")] = "",
    review_days: Annotated[
        int, typer.Option("--review-days", metavar="DAYS", min=1, max=36500, help="Days until it is reviewed next.")
    ] = 180,
    kb: KbFolder = None,
    as_of: Today = None,
    workspace: Workspace = None,
    force: Force = False,
) -> None:
    """Write a draft entry with the right skeleton, and print its file.

    Comments say what each key wants. What is known is filled in: id, origin and mode, the day, and when it is due for
    review. What is not is a question mark, which `ckm kb-lint` lists as a warning. A file that is there is never
    overwritten without --force.

    Examples:
      ckm kb-new --from complaint --title "Parcel left in the rain" --lang en
      ckm kb-new --from interview --kind about --id buys-for-the-office
      $EDITOR "$(ckm kb-new --from question --title 'Wo bleibt mein Paket?' --lang de)"
    """
    from ckm import kb as knowledge
    from ckm.knowledge.draft import Wanted

    place, day = knowledge_place(kb, workspace), day_of(as_of)
    draft = knowledge.new_entry(place.folder, Wanted(origin, kind, name, lang, title, review_days), day, force=force)
    emit_text(f"{draft.path}\n")
    note(f"draft '{draft.id}' as of {day}; fill in the question marks, then: ckm kb-lint")
