"""``ckm mcp``: a read-only server for agents over stdin and stdout."""

from __future__ import annotations

from typing import Annotated

import typer

from ckm.commands.options import Workspace
from ckm.errors import UsageError


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
    workspace: Workspace = None,
) -> None:
    """Let agents ask the workspace: a read-only server of the Model Context Protocol over stdin and stdout.

    Tools: kb_search, kb_show, segments, warnings, report_metrics, and topics if there is a topics.yaml. No tool changes
    data. Groups of fewer than mcp.min_group_size customers have no numbers, and no tool returns rows of persons unless
    mcp.persons of ckm.yaml allows it. mcp.off switches tools off.

    Each call is logged in out/mcp-calls.ndjson, without its arguments. Questions without a hit are logged with their
    text for ckm kb-gaps unless mcp.log_questions is false.

    Needs the extra 'mcp': pip install 'ckm-toolkit[mcp]'. The agent's program starts the server; it ends with stdin.

    Examples:
      ckm mcp -C shop                        # the command to enter in the agent's program
      ckm mcp -C shop --role service         # only what this role may see
    """
    try:
        import anyio
        import mcp.server.lowlevel  # noqa: F401  # fails here if the extra is missing
    except ImportError as error:
        raise UsageError("ckm mcp needs the extra 'mcp'", hint="pip install 'ckm-toolkit[mcp]'") from error
    from ckm._mcp.server import serve
    from ckm._mcp.tools import AgentContext
    from ckm.config import open_workspace

    found = open_workspace(workspace)
    anyio.run(serve, AgentContext(found, role or found.config.kb.role))
