"""``ckm mcp``: a read-only server for agents over stdin and stdout."""

from __future__ import annotations

from typing import Annotated

import typer

from ckm.commands.options import Output, OutputFormat, Workspace
from ckm.errors import UsageError
from ckm.output import emit_rows

COLUMNS = {"tool": str, "arguments": list, "description": str}


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("mcp")(mcp)


def mcp(
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="NAME",
            help="Role of the agent: entries by access.read, columns by profile.roles. Default: kb.role of ckm.yaml.",
        ),
    ] = None,
    list_tools: Annotated[
        bool, typer.Option("--list", help="List the tools that the agent may call, and start no server.")
    ] = False,
    fmt: OutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
) -> None:
    """Let agents ask the workspace: a read-only server of the Model Context Protocol over stdin and stdout.

    Tools: kb_search, kb_show, segments, warnings, report_metrics, and topics if there is a topics.yaml. No tool changes
    data. Groups of fewer than mcp.min_group_size customers have no numbers, and no tool returns rows of persons unless
    mcp.persons of ckm.yaml allows it. mcp.off switches tools off.

    Each call is logged in out/mcp-calls.ndjson, without its arguments. Questions without a hit are logged with their
    text for ckm kb-gaps unless mcp.log_questions is false; other searches and the entries that are shown are logged if
    kb.log_queries is on, as for ckm kb-search.

    Needs the extra 'mcp': pip install 'ckm-toolkit[mcp]'. The agent's program starts the server; it ends with stdin.

    Examples:
      ckm mcp -C shop                        # the command to enter in the agent's program
      ckm mcp -C shop --role service         # only what this role may see
      ckm mcp -C shop --list                 # the tools; without the extra
    """
    from ckm.mcp import require_sdk, server, tools

    if list_tools:
        from ckm.render.rows import ResultTable

        rows = [(name, list(tool.properties), tool.description) for name, tool in tools(workspace, role=role).items()]
        return emit_rows(ResultTable(COLUMNS, rows), fmt, output=output)
    if fmt is not None or output is not None:
        raise UsageError("--format and --output need --list", hint="a server speaks JSON-RPC on stdout")
    require_sdk()
    import anyio

    from ckm._mcp.server import serve

    anyio.run(serve, server(workspace, role=role))
    return None
