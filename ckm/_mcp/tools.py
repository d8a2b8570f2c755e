"""Tools that agents call. They do not change data, and return rows of single customers only if ckm.yaml allows it.

A tool takes an :class:`AgentContext` and the arguments that its JSON schema declares, and returns a JSON value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ckm._mcp.small_groups import suppressed
from ckm.errors import NotEnoughDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckm.config import Workspace

TOPICS_FILE = "topics.yaml"
"""File in the workspace with the topics of ``ckm feedback-mine``."""
TOPIC_KEYS = ("id", "title", "keywords", "owner")
MOST_HITS, MOST_ROWS = 50, 200
ACTIVE = "customers_active"
"""Metric whose value is the number of customers behind the totals of a period."""
NUMBERS = ("value", "n", "previous", "change")
"""Columns of the metrics that are suppressed."""


@dataclass(frozen=True)
class AgentContext:
    """Workspace and role with which an agent calls the tools.

    Attributes
    ----------
    workspace
        Workspace whose data the tools read.
    role
        Role of the agent, which restricts the entries and columns that it sees; None does not restrict them.
    """

    workspace: Workspace
    role: str | None

    @property
    def roles(self) -> tuple[str, ...]:
        """The role as a tuple; empty without a role."""
        return (self.role,) if self.role else ()


class AgentTool(NamedTuple):
    """A tool: its description for agents, the JSON schema of its arguments, and the function."""

    description: str
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]
    run: Callable[[AgentContext, Mapping[str, Any]], Any]


def kb_search(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Search the knowledge base, and log the search and the shown entries (:func:`_log_search`)."""
    from ckm import kb

    settings, folder = context.workspace.config.kb, context.workspace.kb_dir
    query = arguments["query"]
    if not query.strip():
        raise UsageError("the query is empty", hint="ask a question, or give words")
    found = kb.search(
        folder,
        query,
        as_of=_day(arguments) or date.today(),
        limit=min(int(arguments.get("limit", 5)), MOST_HITS),
        roles=context.roles,
        prefer_lang=arguments.get("lang") or settings.prefer_lang or "",
        any_lang=bool(arguments.get("any_lang", False)),
        encoder=None if settings.encoder is None else context.workspace.root / settings.encoder,
    )
    _log_search(context, query, [hit.id for hit in found.answers])
    names = (
        "id",
        "title",
        "lang",
        "snippet",
        "kind",
        "state",
        "warnings",
        "score",
        "meaning",
        "coverage",
        "valid_until",
        "due",
    )
    hits = [{name: _plain(getattr(hit, name)) for name in (*names, "valid_until", "due")} for hit in found.hits]
    return {"as_of": found.as_of.isoformat(), "hits": hits, "remarks": [str(remark) for remark in found.remarks]}


def kb_show(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry that the role may read with its warnings, and the ids of linked entries that it may read too."""
    from ckm import kb

    day = _day(arguments) or date.today()
    folder = context.workspace.kb_dir
    shown = kb.show(folder, arguments["id"], day, roles=context.roles)
    warnings = kb.KnowledgeBase.open(folder).warnings_of(shown.entry.id, kb.Scope(day, roles=context.roles))
    _log_shown(context, [shown.entry.id])
    links = {
        name: [each.id for each in getattr(shown, name) if each.confidence is not None]  # None: missing or no access
        for name in ("supersedes", "superseded_by", "related")
    }
    return {"as_of": day.isoformat(), "entry": dict(shown.entry.plain), "warnings": list(warnings), **links}


def _log_search(context: AgentContext, query: str, shown: Sequence[str]) -> None:
    """Log a search as ``ckm kb-search`` does; one without hits with its text for ``ckm kb-gaps``.

    The setting ``kb.log_queries`` enables the log, and ``mcp.log_questions`` that of searches without hits.
    """
    from ckm._kb.search_log import FILE, LoggedSearch, append

    config = context.workspace.config
    is_gap = not shown and config.mcp.log_questions
    if is_gap or config.kb.log_queries:
        text = query if is_gap or config.kb.log_query_text else None
        append(context.workspace.out_dir / FILE, LoggedSearch(datetime.now(UTC), context.roles, len(shown), text))
    _log_shown(context, shown)


def _log_shown(context: AgentContext, entries: Sequence[str]) -> None:
    """Log the ids of shown entries for ``ckm evaluate`` if ``kb.log_queries`` is on."""
    from ckm._kb.shown_log import FILE, append_shown

    if context.workspace.config.kb.log_queries:
        append_shown(context.workspace.out_dir / FILE, "mcp", entries)


def segments(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the segments with customers, revenue and advice; numbers of small segments are null."""
    from ckm.segment import segment

    found = segment(context.workspace.root, as_of=_day(arguments), by=arguments.get("by"), keep=False)
    rows = found.summary.to_dicts()
    hidden = suppressed([row["customers"] for row in rows], context.workspace.config.mcp.min_group_size)
    kept = ("segment", "advice", "currency")
    shown = [
        {name: _plain(value) if at not in hidden or name in kept else None for name, value in row.items()}
        for at, row in enumerate(rows)
    ]
    return {"as_of": found.as_of.isoformat(), "segments": shown, "suppressed": len(hidden)}


def warnings(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Count the newest saved churn warnings by level and top reason; with ``mcp.persons`` also return customers."""
    import polars as pl

    from ckm._churn.saved_warnings import ANALYSIS, REPORT_COLUMNS, RUN_COLUMNS
    from ckm.store import Store

    store, settings = Store(context.workspace.store_dir), context.workspace.config.mcp
    day = _day(arguments)
    runs = [run for run in store.runs(ANALYSIS) if day is None or run.as_of <= day]
    if not runs:
        raise UsageError("there are no saved warnings", hint="run ckm churn-warn in the workspace")
    run = max(runs, key=lambda run: (run.as_of, run.number))
    frame = store.read_run(run, [*RUN_COLUMNS, *REPORT_COLUMNS]).filter(pl.col("level").is_not_null())
    top = frame.with_columns(pl.col("reasons").fill_null("").str.split(" ").list.first().alias("reason"))
    result: dict[str, Any] = {"as_of": run.as_of.isoformat(), "horizon": run.name}
    for name, column in (("levels", "level"), ("top_reasons", "reason")):
        groups = top.group_by(column).agg(customers=pl.len(), value_at_risk=pl.col("value_at_risk").sum()).sort(column)
        rows = groups.to_dicts()
        hidden = suppressed([row["customers"] for row in rows], settings.min_group_size)
        result[name] = [
            {column: row[column] or None, **{key: None if at in hidden else row[key] for key in row if key != column}}
            for at, row in enumerate(rows)
        ]
    if settings.persons:
        columns = _visible(context)
        ordered = top.sort(["value_at_risk", "customer_id"], descending=[True, False], nulls_last=True)
        rows = ordered.head(min(int(arguments.get("limit", 20)), MOST_ROWS)).select(columns).to_dicts()
        result["customers"] = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return result


def report_metrics(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of the loyalty report; numbers of fewer customers than ``mcp.min_group_size`` are suppressed.

    Raises
    ------
    NotEnoughDataError
        Fewer customers than ``mcp.min_group_size`` bought in the period.
    """
    import polars as pl

    from ckm.loyalty import loyalty

    least = context.workspace.config.mcp.min_group_size
    day = _day(arguments)
    found = loyalty(context.workspace.root, as_of=day, min_group_size=least, keep=False)
    table = found.frame.drop("definition", strict=False)
    active = table.filter((pl.col("metric") == ACTIVE) & (pl.col("slice") == "")).select("value", "previous").row(0)
    if (active[0] or 0) < least:
        raise NotEnoughDataError(
            f"fewer than {least} customers bought in the period: no metrics", hint="mcp.min_group_size of ckm.yaml"
        )
    few = pl.col("n").is_between(1, least - 1)
    table = table.with_columns(pl.when(~few | pl.col("n").is_null()).then(pl.col(name)).alias(name) for name in NUMBERS)
    if (active[1] or 0) < least:
        table = table.with_columns(pl.lit(None).alias(name) for name in ("previous", "change"))
    if wanted := arguments.get("metrics"):
        table = table.filter(pl.col("metric").is_in(list(wanted)))
    elif not arguments.get("slices", False):
        table = table.filter(pl.col("slice") == "")
    rows = [{name: _plain(value) for name, value in row.items() if value is not None} for row in table.to_dicts()]
    return {"as_of": found.report.as_of.isoformat(), "metrics": rows}


def topics(context: AgentContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return id, title, keywords and owner of each topic in ``topics.yaml``; the file contains no comments."""
    from ckm.yamlnodes import compose_document, plain_value, read_text

    path = context.workspace.root / TOPICS_FILE
    if not path.is_file():
        raise UsageError(f"there is no {TOPICS_FILE}", hint="ckm feedback-mine --learn proposes topics")
    node = compose_document(read_text(path))
    content, _ = plain_value(node, 100_000, 10) if node is not None else ({}, 0)
    listed = content.get("topics", []) if isinstance(content, dict) else content
    rows = [{key: each[key] for key in TOPIC_KEYS if key in each} for each in listed or [] if isinstance(each, dict)]
    return {"topics": rows}


def _visible(context: AgentContext) -> list[str]:
    """Return the columns of saved warnings that the role may see (``profile.roles`` of ckm.yaml)."""
    from ckm._profile.roles import visible_exposures
    from ckm.schema import Exposure

    seen = visible_exposures(context.role, context.workspace.config.profile)
    columns = ["customer_id", "level", "reason"]
    return columns + (["p_churn", "value_at_risk", "gone_on"] if Exposure.amount in seen else [])


def _day(arguments: Mapping[str, Any]) -> date | None:
    text = arguments.get("as_of")
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise UsageError("invalid date as_of", hint="write it as 2026-06-30") from error


def _plain(value: Any) -> Any:
    """Convert a date to ISO text and a tuple to a list, for JSON; other values are returned unchanged."""
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


_AS_OF = {"as_of": {"type": "string", "description": "Date (YYYY-MM-DD)."}}
TOOLS: Mapping[str, AgentTool] = {
    "kb_search": AgentTool(
        "Find entries of the knowledge base that answer a question, in any language. Hits have warnings: expired, "
        "superseded, found by meaning. Nothing answers the question if there are no hits, or if all of them have the "
        "warning: little in common with the query.",
        {
            "query": {"type": "string", "description": "The question, or words."},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_HITS},
            "lang": {"type": "string", "description": "Language of titles and snippets (BCP 47)."},
            "any_lang": {"type": "boolean", "description": "Also entries in other languages than the question's."},
            **_AS_OF,
        },
        ("query",),
        kb_search,
    ),
    "kb_show": AgentTool(
        "Show a whole entry of the knowledge base by its id, with warnings: draft, expired, superseded, not validated.",
        {"id": {"type": "string"}, **_AS_OF},
        ("id",),
        kb_show,
    ),
    "segments": AgentTool(
        "Customer segments with number of customers, revenue and advice; small segments have no numbers.",
        {"by": {"type": "string", "enum": ["rfm", "value", "lifecycle", "clusters"]}, **_AS_OF},
        (),
        segments,
    ),
    "warnings": AgentTool(
        "The newest saved churn warnings: customers and value at risk by level and by top reason.",
        {"limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}, **_AS_OF},
        (),
        warnings,
    ),
    "report_metrics": AgentTool(
        "Metrics of the loyalty report, with the previous period: net sales, retention, churn and others.",
        {
            "metrics": {"type": "array", "items": {"type": "string"}, "description": "Names; default: all."},
            "slices": {"type": "boolean", "description": "Also by segment, month and so on."},
            **_AS_OF,
        },
        (),
        report_metrics,
    ),
    "topics": AgentTool("Topics of what customers say, with their keywords and owners.", {}, (), topics),
}
"""The tools by name."""


def offered(context: AgentContext) -> dict[str, AgentTool]:
    """Return the tools that ckm.yaml does not switch off, by name; ``topics`` only if ``topics.yaml`` exists.

    Raises
    ------
    UnknownNameError
        ckm.yaml switches off a tool that does not exist.
    """
    from ckm.errors import UnknownNameError

    off = context.workspace.config.mcp.off
    for name in off:
        if name not in TOOLS:
            raise UnknownNameError("tool", name, TOOLS, where="mcp.off of ckm.yaml")
    has_topics = Path(context.workspace.root, TOPICS_FILE).is_file()
    return {name: tool for name, tool in TOOLS.items() if name not in off and (name != "topics" or has_topics)}
