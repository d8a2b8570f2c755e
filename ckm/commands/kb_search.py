"""``ckm kb-search``: entries for a query, or how well a suite of queries finds what it should."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UsageError
from ckm.messages import note, progress
from ckm.output import Format, default_format, emit_rows, emit_text

if TYPE_CHECKING:
    from ckm.kb import Scope, SearchResult
    from ckm.knowledge.settings_cache import SearchSettings
    from ckm.knowledge.suite_run import SuiteResult

FILTER = "Filters (each may be given several times)"
SUITE = "Suites"
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY...",
        help='Words, "exact phrases", -words to leave out, field:value. Quote it as a whole, or put -- before it, '
        "where it has quotation marks or begins with a dash.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-search``."""
    app.command("kb-search")(kb_search)


def kb_search(
    query: Words = None,
    kb: Annotated[
        Path | None, typer.Option("--kb", metavar="DIR", help="The knowledge base. Default: kb/ of the workspace.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="about, for, from.", rich_help_panel=FILTER)
    ] = None,
    facet: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="policy, process, …", rich_help_panel=FILTER)
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG", help="Entries with texts in this language; zh is any zh-….", rich_help_panel=FILTER
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Topic or department.", rich_help_panel=FILTER)
    ] = None,
    product: Annotated[list[str] | None, typer.Option(metavar="ID", help="Product id.", rich_help_panel=FILTER)] = None,
    segment: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Customer segment.", rich_help_panel=FILTER)
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Reason of a churn warning.", rich_help_panel=FILTER)
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help="wip, not_validated, validated, archived. Default: validated and not_validated.",
            rich_help_panel=FILTER,
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="What this role may read. Default: kb.role of ckm.yaml.", rich_help_panel=FILTER
        ),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="Entries that hold on this day. Default: today.",
            rich_help_panel=FILTER,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Drafts, archived ones and those that do not hold too, marked.", rich_help_panel=FILTER
        ),
    ] = False,
    prefer_lang: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Language of titles and passages. Default: ckm.yaml, else the query's."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many hits.")] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how the query was read and what each score is made of.")
    ] = False,
    fail_empty: Annotated[bool, typer.Option("--fail-empty", help="Exit 1 when nothing is found.")] = False,
    suite: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="YAML or JSON lines of {query, expect: [ids]}: say how well each language finds what it should.",
            rich_help_panel=SUITE,
        ),
    ] = None,
    failures: Annotated[
        bool,
        typer.Option("--failures", help="List the queries whose expected entry is not first.", rich_help_panel=SUITE),
    ] = False,
    min_mrr: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Exit 1 when mrr of all queries is below.", rich_help_panel=SUITE),
    ] = None,
    min_recall: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Exit 1 when recall_10 of all queries is below.", rich_help_panel=SUITE),
    ] = None,
    fmt: OutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
) -> None:
    """Find entries of the knowledge base, in any language, in spite of a typo.

    Shows of each hit the title in your language, the passage that matched, and what you must know before you use it:
    expired, superseded, not validated, review overdue. Such entries rank below good ones of equal match. Without --all
    drafts, archived entries and those that do not hold on the day are left out. Filters work before ranking.

    --role keeps what that role may read (access.read). It is a filter and no lock: who can read the files can read
    all of them.

    The first search in a folder makes an index of it in the cache (CKM_CACHE); later ones find what has changed by the
    files' sizes and times. Deleting the cache is harmless.

    Cost: a tenth of a second or two; the first search some seconds for 1,000 entries.

    Examples:
      ckm kb-search Paket kommt zu spät
      ckm kb-search '"gift card" -refund' --kind for   # a phrase, without a word
      ckm kb-search -f json topic:delivery             # filters alone list what passes
      ckm kb-search --all --as-of 2025-03-01 strike    # as it stood on that day
      ckm kb-search --suite kb-suite.yaml --min-mrr 0.9   # in CI, after every change
    """
    from ckm.kb import Scope

    folder, root, settings = _place(kb, workspace)
    filters = {
        name: tuple(values)
        for name, values in {
            "kind": kind, "facet": facet, "lang": lang, "tag": tag, "product": product, "segment": segment,
            "reason": reason, "state": state,
        }.items()
        if values
    }  # fmt: skip
    roles = tuple(role or ([settings.role] if settings.role else []))
    day = as_of.date() if as_of else date.today()  # the day where the reader is
    scope = Scope(day, filters, roles, everything)
    if suite is not None:
        if query:
            raise UsageError("--suite brings its own queries", hint="leave out the query, or --suite")
        return _suite(folder, suite, scope, fmt, output, failures=failures, floors=(min_mrr, min_recall))
    if failures or min_mrr is not None or min_recall is not None:
        raise UsageError(
            "--failures, --min-mrr and --min-recall belong to --suite", hint="name a suite by --suite FILE"
        )
    if not query:
        raise UsageError("a query is missing", hint="ckm kb-search late parcel; field:value alone lists what has it")
    text = " ".join(query)
    prefer = prefer_lang or settings.prefer_lang or ""
    result = _search(folder, text, scope, limit=limit, prefer=prefer, explain=explain)
    _emit(result, fmt, output, explain=explain)
    _remark(result, scope, explain=explain)
    if root is not None and settings.log_queries:
        _log(root, result, roles, text if settings.log_query_text else None)
    if fail_empty and not result.hits:
        raise typer.Exit(1)
    return None


def _place(kb: Path | None, workspace: Path | None) -> tuple[Path, Path | None, SearchSettings]:
    """Return the knowledge folder, the workspace if there is one, and what that says of searching."""
    from ckm.knowledge.settings_cache import find_root, search_settings

    root = workspace or find_root(kb or Path.cwd())
    if root is None and kb is None:
        raise UsageError("no ckm.yaml here or above", hint="name the knowledge base by --kb, or a workspace by -C")
    settings = search_settings(root)
    return (kb if kb is not None else (root or Path()) / "kb"), root, settings


def _search(folder: Path, text: str, scope: Scope, *, limit: int, prefer: str, explain: bool) -> SearchResult:
    from ckm.kb import search

    return search(
        folder,
        text,
        as_of=scope.as_of,
        limit=limit,
        filters=scope.filters,
        roles=scope.roles,
        everything=scope.everything,
        prefer_lang=prefer,
        explain=explain,
        progress=lambda total: progress(f"reading {folder}", total=total),
    )


def _emit(result: SearchResult, fmt: Format | None, output: Path | None, *, explain: bool) -> None:
    from ckm.commands import kb_hits

    beside = output is not None and str(output) != "-"
    chosen = fmt or (None if beside else default_format())
    if chosen is Format.table and not beside:
        return kb_hits.draw(result, explain=explain)
    if chosen is Format.md or (beside and output is not None and output.suffix.lower() == ".md"):
        return emit_text(kb_hits.markdown(result, explain=explain), output=output)
    return emit_rows(kb_hits.table(result), fmt, output=output)


def _remark(result: SearchResult, scope: Scope, *, explain: bool) -> None:
    from ckm.commands import kb_hits

    reader = f", as {' or '.join(scope.roles)}" if scope.roles else ""
    note(f"{'as of' if result.hits else 'nothing found as of'} {scope.as_of}{reader}")
    if explain:
        for line in kb_hits.analysis_lines(result):
            note(line)
    for remark in result.remarks:
        note(remark)
    if result.hits:
        return
    for suggestion in result.suggestions:
        note(f"did you mean: {suggestion}")
    if result.nearest is not None:
        note(f"nearest by its letters: {result.nearest.id} ({result.nearest.title})")


def _log(root: Path, result: SearchResult, roles: tuple[str, ...], text: str | None) -> None:
    from ckm.knowledge.search_log import FILE, Search, append

    try:
        append(root / "out" / FILE, Search(datetime.now(UTC), roles, len(result.hits), text))
    except OSError as error:
        note(f"this search was not kept: out/{FILE}: {error.strerror}")


def _suite(
    folder: Path,
    path: Path,
    scope: Scope,
    fmt: Format | None,
    output: Path | None,
    *,
    failures: bool,
    floors: tuple[float | None, float | None],
) -> None:
    from ckm.kb import suite as run

    result = run(folder, path, scope, progress=lambda total: progress(f"reading {folder}", total=total))
    _show_suite(result, fmt, output, failures=failures)
    note(f"as of {scope.as_of}; {len(result.failures):,} of {result.whole.queries:,} queries find another entry first")
    measured = (result.whole.mrr, result.whole.recall_10)
    for name, value, floor in zip(("mrr", "recall_10"), measured, floors, strict=True):
        if floor is not None and value < floor:
            note(f"{name} of all queries is {value}, below {floor}")
    if any(floor is not None and value < floor for value, floor in zip(measured, floors, strict=True)):
        raise typer.Exit(1)


def _show_suite(result: SuiteResult, fmt: Format | None, output: Path | None, *, failures: bool) -> None:
    from dataclasses import astuple

    from ckm.rows import Table

    if failures:
        columns = {"lang": str, "query": str, "expected": list, "rank": int, "first": str, "where": str}
        rows = [(f.lang, f.query, list(f.expected), f.rank, f.first, f.where) for f in result.failures]
        return emit_rows(Table(columns, rows), fmt, output=output)
    measures = ("recall_1", "recall_5", "recall_10", "mrr", "ndcg_10")
    columns = {"lang": str, "queries": int, **dict.fromkeys(measures, float)}
    rows = [astuple(score) for score in result.scores]
    return emit_rows(Table(columns, rows), fmt, output=output, formats=dict.fromkeys(measures, "{:.4f}"))
