"""``ckm link``: which customer ids are of one person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Seed, Workspace, data_or_workspace
from ckm.errors import UsageError
from ckm.output import Format, default_format, emit, note, progress, remark

if TYPE_CHECKING:
    from ckm.link import LinkResult

EXPLAIN, REVIEW = "explain", "review"
LINKS_BY_USE = ("left", "right", "probability", "fields", "person_id", "weight", "by")
REVIEW_BY_USE = ("left", "right", "probability", "agree", "differ", "verdict")
"""Columns, the most used first."""
MOST_LISTED = 20
"""Maximum number of links that a screen lists; a machine format has them all."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("link")(link)


def link(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA | explain A B | review]",
            help="A workspace or a file of records; or explain two customer ids; or review uncertain pairs.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the links, and write nothing.")] = False,
    verdicts: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="With review: a CSV of pairs with a filled verdict column."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="With review: who decided.")] = None,
    seed: Seed = 0,
    workspace: Workspace = None,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Find the customer ids that are of one person, across sources and channels.

    Compares names, e-mail addresses, telephone numbers, addresses, dates of birth and ids, in any script and spelling.
    The probabilities are learned from the data. Links with a probability of at least 95 % are applied; less probable
    pairs, from 10 % on, are for review. The summary shows how many of the links are expected to be wrong. A mailbox,
    telephone or address that several people use never links two ids alone.

    In a workspace the links are written to identities.csv, one line per link: ids and names of fields, no values. All
    analyses then count persons. The store is not changed: deleting a line undoes its link, and the verdict 'different'
    in a line forbids it. Keep the file in git. A file of records (CSV, Excel, ...) is linked without writing anything.

    Cost: some 65 seconds of CPU time and 1.8 GB for a million customers.

    Examples:
      ckm link                                   # link the customers of the workspace
      ckm link --dry-run -o links.csv            # all links, without writing identities.csv
      ckm link contacts.csv -o persons.csv       # a file: the person of each record
      ckm link explain cus_42 ann@example.com    # why two ids are linked, or not
      ckm link review -o pairs.csv               # pairs that are not linked: fill in the verdict
      ckm link review --from pairs.csv --by Ann
    """
    given = list(words or [])
    mode = given[0] if given[:1] in ([EXPLAIN], [REVIEW]) else ""
    _refuse_unused(mode, {"--from": verdicts, "--by": by}, dry_run=dry_run)
    if mode == EXPLAIN:
        return _explain(given[1:], workspace, seed, fmt, output)
    if mode == REVIEW and verdicts is not None:
        return _take_verdicts(workspace, verdicts, by)
    if len(given) > 1:
        raise UsageError(f"unexpected '{given[1]}'", hint="see 'ckm link --help'")
    data = Path(given[0]) if given and not mode else None
    root = data_or_workspace(data, workspace)
    from ckm.link import link as link_customers

    with progress("linking") as advance:
        found = link_customers(root, dry_run=dry_run or mode == REVIEW, seed=seed, progress=advance.stage)
    if mode == REVIEW:
        emit(found.uncertain, fmt, output=output, by_use=REVIEW_BY_USE)
    else:
        _show(found, fmt, output, of_file=data is not None and not data.is_dir() and not dry_run)
    remark(*found.remarks)
    return None


def _refuse_unused(mode: str, options: dict[str, object], *, dry_run: bool) -> None:
    for name, value in options.items():
        if value is not None and mode != REVIEW:
            raise UsageError(f"{name} needs review", hint="ckm link review --from FILE --by NAME")
    if dry_run and mode:
        raise UsageError(f"--dry-run and {mode} contradict each other", hint=f"{mode} writes no links")


def _show(found: LinkResult, fmt: Format | None, output: Path | None, *, of_file: bool) -> None:
    on_screen = output is None and (fmt or default_format()) is Format.table
    if of_file and not on_screen:
        return emit(found.persons, fmt, output=output)
    if not on_screen:
        return emit(found.frame, fmt, output=output)
    emit(found.summary, fmt)
    for change, count in found.changes["change"].value_counts().sort("change").rows():
        note(f"{change}: {count:,}")
    if found.frame.height:
        emit(found.frame.head(MOST_LISTED), fmt, title="links", by_use=LINKS_BY_USE, formats={"probability": "{:.3f}"})
    if found.frame.height > MOST_LISTED:
        note(f"{found.frame.height - MOST_LISTED:,} more links: -o FILE")
    if found.path is not None:
        note(f"wrote {found.path}")
    return None


def _explain(ids: list[str], workspace: Path | None, seed: int, fmt: Format | None, output: Path | None) -> None:
    if len(ids) != 2:  # A and B
        raise UsageError("explain needs two customer ids", hint="ckm link explain A B")
    from ckm.link import explain

    found = explain(workspace, *ids, seed=seed)
    emit(found.frame, fmt, output=output, formats={"weight": "{:+.1f}"})
    verdict = f"; verdict: {found.verdict}" if found.verdict else ""
    remark(f"probability that both are of one person: {found.probability:.4f}{verdict}", *found.remarks)


def _take_verdicts(workspace: Path | None, path: Path, by: str | None) -> None:
    if not by:
        raise UsageError("--from needs --by", hint="--by NAME says who decided")
    from ckm.link import review

    count = len([link for link in review(workspace, path, by=by).decided if link.by == by])
    note(f"wrote verdicts to identities.csv, which has {count:,} by {by}; ckm link forms the persons with them")
