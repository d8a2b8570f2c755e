"""``ckm feedback-mine``: topics of what customers say, with what they are worth."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.meta import Meta, read_source, write_meta
from ckm.commands.options import AS_FOUND, AsOf, OutputFormat, Seed, Workspace, data_or_workspace
from ckm.errors import UsageError
from ckm.names import ReportLanguage
from ckm.output import Format, default_format, emit, emit_text, note, progress, remark

if TYPE_CHECKING:
    from ckm._feedback.result import Feedback
    from ckm.dataset import Dataset

PAGE = ".html"
BY_USE = (
    "topic", "title", "product", "competitor", "segment", "channel", "lang", "kind", "comments", "trend", "polarity",
    "revenue", "open", "share", "value_at_risk", "customers", "entries", "growing", "products", "open_days",
    "complaints", "requests", "comments_before", "evidence",
)  # fmt: skip
"""Columns, the most used first."""
FORMATS = {
    "share": "{:.1%}",
    "trend": "{:+.0%}",
    "polarity": "{:+.2f}",
    "revenue": "{:,.2f}",
    "value_at_risk": "{:,.2f}",
    "open_days": "{:.0f}",
}


class FailOn(StrEnum):
    """Findings that end the command with exit code 1."""

    growing = "growing"
    unanswered = "unanswered"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("feedback-mine")(feedback_mine)


def feedback_mine(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]",
            help="A workspace, or a file of dated comments. Default: the workspace around the current folder.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="First day of the period; it is compared with the period before. Default: 13 weeks.",
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="DIMENSIONS",
            help="Count by topic and by these, separated by commas: product, competitor, segment, channel, lang, kind. "
            "A first competitor replaces topic.",
        ),
    ] = "topic",
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Only what grew more than chance explains, or had no comment before.")
    ] = False,
    learn: Annotated[
        bool,
        typer.Option("--learn", help="Write topics.yaml: new topics for comments that fit none; known ones stay."),
    ] = False,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="Write topics.yaml: learn all topics again; those found again keep id and title."),
    ] = False,
    topics: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=2, max=200, help="Number of topics to learn. Default: by the number of comments."
        ),
    ] = None,
    drafts: Annotated[
        bool,
        typer.Option("--drafts", help="Write kb/drafts/TOPIC.yaml for each topic that no knowledge entry answers."),
    ] = False,
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="Exit with 1 if a topic is growing, or has no answer.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            metavar="auto|none|DIR",
            help="Sentence encoder: feedback.encoder or the extra 'semantic'; none; or a folder of an encoder.",
        ),
    ] = "auto",
    min_group_size: Annotated[int, typer.Option(metavar="N", min=1, help="Join groups of fewer customers.")] = 5,
    as_of: AsOf = None,
    lang: Annotated[ReportLanguage, typer.Option(help="Language of the page and of titles.")] = "en",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not save the result in the workspace.")] = False,
    seed: Seed = 0,
    fmt: OutputFormat = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to FILE: .html page; .csv .tsv .json .ndjson .md .parquet .xlsx: one row per group.",
        ),
    ] = None,
    meta: Meta = None,
    workspace: Workspace = None,
) -> None:
    """Find the topics of what customers say, and count them by product and segment, with what they are worth.

    Reads the texts of the table interactions: survey answers, tickets, reviews. Personal data are masked first: e-mail
    addresses, numbers, links, and names in the table customers. No output, file or cache contains a text of a customer.

    Topics are in topics.yaml of the workspace, which people edit and commit: title per language, owner. --learn writes
    it. Afterwards a comment always gets the same topic, until --refit. Without the file, topics are learned and not
    written. With the extra 'semantic', all languages share topics; without it, each language has its own.

    Polarity is that of a comment's rating, else learned from the ratings of the same language (250 or more), else from
    those of other languages, else unknown. Groups of fewer than --min-group-size customers are joined.

    Cost: about 2 seconds of CPU time per 1,000 comments with the extra, a third of that without it.

    Examples:
      ckm feedback-mine                              # by topic, last 13 weeks
      ckm feedback-mine reviews.csv                  # a file, no workspace needed
      ckm feedback-mine --learn                      # propose topics, write topics.yaml
      ckm feedback-mine --by product,segment -o out/feedback.xlsx
      ckm feedback-mine --by competitor -f csv       # comments that name a competitor
      ckm feedback-mine --since 2026-04-01 --new-only --fail-on growing
      ckm feedback-mine --lang th -o out/feedback.html
      ckm feedback-mine --drafts                     # drafts of missing knowledge entries
    """
    root = data_or_workspace(data, workspace)
    if learn and refit:
        raise UsageError("--learn and --refit contradict each other", hint="--refit learns all topics again")
    from ckm.feedback import feedback, page
    from ckm.metadata import run_facts

    dataset = _opened(root)
    read = read_source(dataset, None, AS_FOUND, meta)
    with progress("mining comments") as advance:
        stage = ""

        def show(name: str, done: float, total: float) -> None:
            nonlocal stage
            text = f"{name} {done:,.0f}" + (f" of {total:,.0f}" if total else "")
            if text != stage:
                stage = text
                advance.stage(text)

        found = feedback(
            dataset,
            as_of=as_of.date() if as_of else None,
            since=since.date() if since else None,
            by=[each.strip() for each in by.split(",") if each.strip()],
            new_only=new_only,
            learn=learn,
            refit=refit,
            topics=topics,
            encoder=encoder,
            min_group_size=min_group_size,
            keep=not dry_run,
            drafts=drafts,
            lang=lang,
            seed=seed,
            progress=show,
        )
    if output is not None and output.suffix.lower() == PAGE:
        if fmt is not None:
            raise UsageError(f"--format {fmt} contradicts -o {output}", hint="leave out --format")
        emit_text(page(found, lang), output=output)
    else:
        _show(found, fmt, output)
    remark(*found.remarks)
    for path in (*([found.path / "topics.yaml"] if found.path else []), *found.drafts):
        note(f"wrote {path}")
    if meta is not None:
        facts = run_facts(
            "feedback-mine",
            dataset,
            read,
            as_of=found.as_of,
            parameters={
                "since": found.since.isoformat(),
                "by": by.split(","),
                "new_only": new_only,
                "encoder": encoder if encoder in ("auto", "none") else "folder",
                "min_group_size": min_group_size,
                "seed": seed,
            },
            settings=("feedback",),
            columns=found.frame.columns,
            remarks=found.remarks,
        )
        write_meta(facts, meta)
    if (fail_on is FailOn.growing and found.topic_frame["growing"].any()) or (
        fail_on is FailOn.unanswered and found.unanswered
    ):
        raise typer.Exit(1)


def _opened(folder: Path | None) -> Dataset:
    """Return the tables of a workspace, or the comments of a file.

    Raises
    ------
    UsageError
        There is no workspace and no file.
    """
    from ckm.config import find_workspace
    from ckm.dataset import open_dataset
    from ckm.dataset.comments_file import comments_of_file

    if folder is not None and folder.is_file():
        return comments_of_file(folder)
    root = find_workspace(Path.cwd()) if folder is None else folder
    if root is None or not (root / "ckm.yaml").is_file():
        raise UsageError(
            f"{folder} is no workspace" if folder is not None else "there is no workspace here or above",
            hint="ckm init DIR makes one; a file of comments needs none: ckm feedback-mine FILE",
        )
    return open_dataset(root)


def _show(found: Feedback, fmt: Format | None, output: Path | None) -> None:
    """Print the groups; a person also sees the competitors and the topics without an answer."""
    emit(found.frame, fmt, output=output, by_use=BY_USE, formats=FORMATS)
    if output is not None or (fmt or default_format()) is not Format.table:
        return
    if found.competitors.height and "competitor" not in found.frame.columns:
        emit(found.competitors, fmt, title="competitors", formats=FORMATS)
    if found.unanswered:
        titles = {topic.id: topic.title_in("en") for topic in found.topics}
        note(f"no knowledge entry answers: {'; '.join(titles[each] for each in found.unanswered)}")
