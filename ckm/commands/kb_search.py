"""``ckm kb-search``: find entries, or measure the relevance of the hits for a suite of queries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.completion import query_words, topics
from ckm.commands.kb_options import log_shown
from ckm.commands.meta import Meta, write_knowledge_meta
from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UsageError
from ckm.messages import note, progress, remark
from ckm.output import Format, default_format, emit_rows, emit_text
from ckm.remark import basis, doubt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm._kb.relevance_test import RelevanceReport
    from ckm._kb.settings_cache import SearchSettings
    from ckm.kb import Scope, SearchResult
    from ckm.render.rows import ResultTable

FILTER = "Filters (each may be repeated)"
SUITE = "Suites"
MEASURES = ("recall_1", "recall_5", "recall_10", "mrr", "ndcg_10")
SUITE_COLUMNS = {"lang": str, "queries": int, **dict.fromkeys(MEASURES, float)}
FAILURE_COLUMNS = {"lang": str, "query": str, "expected": list, "rank": int, "first": str, "where": str}
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY...",
        help='Words, "exact phrases", -excluded words, field:value. Quote it as a whole, or put -- before it, '
        "if it contains quotation marks or begins with a dash.",
        show_default=False,
        autocompletion=query_words,
    ),
]


class SemanticMode(StrEnum):
    """Values of ``--semantic``."""

    auto = "auto"
    on = "on"
    off = "off"


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
        list[str] | None,
        typer.Option(metavar="WORD", help="Topic or department.", rich_help_panel=FILTER, autocompletion=topics),
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
            metavar="NAME",
            help="Only entries for this role. Default: kb.role of ckm.yaml.",
            rich_help_panel=FILTER,
        ),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="Date on which entries must be valid. Default: today.",
            rich_help_panel=FILTER,
        ),
    ] = None,
    include_inactive: Annotated[
        bool,
        typer.Option(
            "--include-inactive",
            help="Include drafts, archived and invalid entries, with warnings.",
            rich_help_panel=FILTER,
        ),
    ] = False,
    prefer_lang: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Language of titles and snippets. Default: ckm.yaml, else that of the query."),
    ] = None,
    semantic: Annotated[
        SemanticMode,
        typer.Option(
            help="Search by meaning too: auto if few words match, on, off. Needs the extra 'semantic'.",
        ),
    ] = SemanticMode.auto,
    any_lang: Annotated[
        bool, typer.Option("--any-lang", help="Find entries in other languages too, by meaning (extra 'semantic').")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Largest number of hits.")] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the analysis of the query and the parts of each score.")
    ] = False,
    fail_empty: Annotated[bool, typer.Option("--fail-empty", help="Exit 1 if nothing answers the query.")] = False,
    suite: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="YAML or JSON lines of {query, expect: [ids]}: show recall, MRR and nDCG by language.",
            rich_help_panel=SUITE,
        ),
    ] = None,
    show_failures: Annotated[
        bool,
        typer.Option(
            "--show-failures", help="List the queries that do not rank an expected entry first.", rich_help_panel=SUITE
        ),
    ] = False,
    min_mrr: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Exit 1 if the MRR of all queries is lower.", rich_help_panel=SUITE),
    ] = None,
    min_recall: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Exit 1 if recall_10 of all queries is lower.", rich_help_panel=SUITE),
    ] = None,
    fmt: OutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
) -> None:
    """Find entries of the knowledge base in any language, despite typos.

    Shows for each hit the title in your language, a snippet of the matching text, and warnings: expired, superseded,
    not validated, review overdue. A penalty ranks such entries below others that match equally well. Drafts, archived
    entries and entries that are not valid on the date are left out without --include-inactive. Filters apply before
    ranking.

    Hits with under a quarter of the query's words, weighted by how rare they are, have the warning "little in common
    with the query". A query without other hits is unanswered: ckm kb-gaps lists it.

    With the extra 'semantic', entries are also found by meaning: across languages and with other words. A search does
    so by itself if the best hit has under half of the query's words, or more than half if many entries have no text in
    the query's language; such hits say so. The first one encodes all entries.

    --role filters by access.read of the entries. It is not access control: whoever can read the files can read all of
    them.

    The first search in a folder builds an index in the cache (CKM_CACHE); later searches update it for files whose size
    or times changed. Deleting the cache is safe.

    Cost: 0.1 to 0.2 seconds; the first search takes some seconds for 1,000 entries.

    Examples:
      ckm kb-search Paket kommt zu spät
      ckm kb-search '"gift card" -refund' --kind for   # a phrase, and an excluded word
      ckm kb-search -f json topic:delivery             # a filter alone lists all matches
      ckm kb-search --any-lang 我怎样退货                # by meaning, in entries of any language
      ckm kb-search --include-inactive --as-of 2025-03-01 strike    # as of a past date
      ckm kb-search --suite kb-suite.yaml --min-mrr 0.9   # in CI, after every change
    """
    from ckm.commands import kb_hits
    from ckm.kb import Scope, search

    folder, root, settings = _location(kb, workspace)
    filters = {
        name: tuple(values)
        for name, values in {
            "kind": kind, "facet": facet, "lang": lang, "tag": tag, "product": product, "segment": segment,
            "reason": reason, "state": state,
        }.items()
        if values
    }  # fmt: skip
    roles = tuple(role or ([settings.role] if settings.role else []))
    day = as_of.date() if as_of else date.today()  # in the reader's time zone
    scope = Scope(day, filters, roles, include_inactive)
    text = " ".join(query or ())
    parameters = {
        "query": text or None, "filters": filters, "roles": roles, "as_of": as_of and day,
        "include_inactive": include_inactive, "prefer_lang": prefer_lang,
        "semantic": semantic.value, "any_lang": any_lang, "limit": limit, "suite": suite,
        "show_failures": show_failures,
    }  # fmt: skip
    write_facts = partial(write_knowledge_meta, meta, "kb-search", folder, root, as_of=day, parameters=parameters)
    if suite is not None:
        if query:
            raise UsageError("--suite has its own queries", hint="leave out the query, or --suite")
        minima = (min_mrr, min_recall)
        return _suite(folder, suite, scope, fmt, output, write_facts, show_failures=show_failures, minima=minima)
    if show_failures or min_mrr is not None or min_recall is not None:
        raise UsageError(
            "--show-failures, --min-mrr and --min-recall need --suite", hint="name a suite with --suite FILE"
        )
    if not query:
        raise UsageError("a query is missing", hint="ckm kb-search late parcel; field:value alone lists all matches")
    if any_lang and semantic is SemanticMode.off:
        raise UsageError("--any-lang searches by meaning", hint="leave out --semantic off, or --any-lang")
    result = search(
        folder,
        text,
        as_of=day,
        limit=limit,
        filters=filters,
        roles=roles,
        include_inactive=include_inactive,
        prefer_lang=prefer_lang or settings.prefer_lang or "",
        explain=explain,
        semantic=semantic.value,
        any_lang=any_lang,
        encoder=None if settings.encoder is None else (root or Path()) / settings.encoder,
        progress=lambda total: progress(f"reading {folder}", total=total),
    )
    _emit(result, fmt, output, explain=explain)
    remarks = _remarks(result, scope)
    if explain:
        _note_analysis(result)
    remark(*remarks)
    write_facts(columns=kb_hits.COLUMNS, remarks=remarks)
    if root is not None and settings.log_queries:
        _log(root, result, roles, text if settings.log_query_text else None)
    log_shown(root, "kb-search", (hit.id for hit in result.answers), enabled=settings.log_queries)
    if fail_empty and not result.answers:
        raise typer.Exit(1)
    return None


def _location(kb: Path | None, workspace: Path | None) -> tuple[Path, Path | None, SearchSettings]:
    """Return the knowledge folder, the workspace if there is one, and its search settings."""
    from ckm._kb.settings_cache import find_root, search_settings

    root = workspace or find_root(kb or Path.cwd())
    if root is None and kb is None:
        raise UsageError("no ckm.yaml here or above", hint="name the knowledge base with --kb, or a workspace with -C")
    return (kb if kb is not None else (root or Path()) / "kb"), root, search_settings(root)


def _emit(result: SearchResult, fmt: Format | None, output: Path | None, *, explain: bool) -> None:
    from ckm.commands import kb_hits

    to_file = output is not None and str(output) != "-"
    chosen = fmt or (None if to_file else default_format())
    if chosen is Format.table and not to_file:
        return kb_hits.draw(result, explain=explain)
    if chosen is Format.md or (to_file and output is not None and output.suffix.lower() == ".md"):
        return emit_text(kb_hits.markdown(result, explain=explain), output=output)
    return emit_rows(kb_hits.table(result), fmt, output=output)


def _note_analysis(result: SearchResult) -> None:
    from ckm.commands import kb_hits

    for line in kb_hits.analysis_lines(result):
        note(line)


def _remarks(result: SearchResult, scope: Scope) -> list[str]:
    """Return the remarks on a search; without hits also suggestions."""
    reader = f", as {' or '.join(scope.roles)}" if scope.roles else ""
    remarks = [basis(f"{'as of' if result.hits else 'no hits as of'} {scope.as_of}{reader}"), *result.remarks]
    if not result.hits:
        remarks += [basis(f"did you mean: {suggestion}") for suggestion in result.suggestions]
        if result.nearest is not None:
            remarks.append(basis(f"most similar spelling: {result.nearest.id} ({result.nearest.title})"))
    return remarks


def _log(root: Path, result: SearchResult, roles: tuple[str, ...], text: str | None) -> None:
    from ckm._kb.search_log import FILE, LoggedSearch, append

    try:
        append(root / "out" / FILE, LoggedSearch(datetime.now(UTC), roles, len(result.answers), text))
    except OSError as error:
        remark(doubt(f"this search was not logged in out/{FILE}: {error.strerror}"))


def _suite(
    folder: Path,
    path: Path,
    scope: Scope,
    fmt: Format | None,
    output: Path | None,
    write_facts: Callable[..., None],
    *,
    show_failures: bool,
    minima: tuple[float | None, float | None],
) -> None:
    from ckm.kb import suite as run

    result = run(folder, path, scope, progress=lambda total: progress(f"reading {folder}", total=total))
    table = _failures(result) if show_failures else _measures(result)
    emit_rows(table, fmt, output=output, formats={} if show_failures else dict.fromkeys(MEASURES, "{:.4f}"))
    count, queries = len(result.failures), result.whole.queries
    summary = basis(f"as of {scope.as_of}; {count:,} of {queries:,} queries rank an unexpected entry first")
    remark(summary)
    write_facts(columns=table.columns, remarks=[summary])
    measured = {"mrr": result.whole.mrr, "recall_10": result.whole.recall_10}
    below = [
        (name, value, least)
        for (name, value), least in zip(measured.items(), minima, strict=True)
        if least is not None and value < least
    ]
    for name, value, least in below:
        remark(basis(f"{name} of all queries is {value}, below {least}"))
    if below:
        raise typer.Exit(1)


def _failures(result: RelevanceReport) -> ResultTable:
    """Return one row per query that does not rank an expected entry first."""
    from ckm.render.rows import ResultTable

    rows = [(f.lang, f.query, list(f.expected), f.rank, f.first, f.where) for f in result.failures]
    return ResultTable(FAILURE_COLUMNS, rows)


def _measures(result: RelevanceReport) -> ResultTable:
    """Return one row per language, and one for all queries."""
    from dataclasses import astuple

    from ckm.render.rows import ResultTable

    return ResultTable(SUITE_COLUMNS, [astuple(score) for score in result.scores])
