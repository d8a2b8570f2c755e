"""The server for agents as Python functions: its tools, and the server itself for a transport of your own.

>>> import ckm
>>> list(ckm.mcp.tools("shop"))   # doctest: +SKIP
>>> ckm.mcp.server("shop", role="service")   # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm._mcp.tools import AgentContext, AgentTool, offered
from ckm.config import open_workspace
from ckm.errors import UsageError

if TYPE_CHECKING:
    import os

    from mcp.server.lowlevel import Server

__all__ = ["AgentTool", "server", "tools"]


def tools(source: str | os.PathLike[str] | None, *, role: str | None = None) -> dict[str, AgentTool]:
    """Return the tools that an agent may call in a workspace, by name. The extra ``mcp`` is not needed.

    Parameters
    ----------
    source
        Folder of the workspace; None for the workspace around the current folder.
    role
        Role of the agent; None for ``kb.role`` of ckm.yaml.

    Raises
    ------
    UsageError
        There is no workspace, its ckm.yaml is invalid, or ``mcp.off`` names an unknown tool.
    """
    return offered(_context(source, role))


def server(source: str | os.PathLike[str] | None, *, role: str | None = None) -> Server[Any]:
    """Return the MCP server of a workspace, an object of the official SDK that is not connected yet.

    Parameters
    ----------
    source, role
        As for :func:`tools`.

    Raises
    ------
    UsageError
        As for :func:`tools`, or the extra ``mcp`` is not installed.
    """
    require_sdk()
    from ckm._mcp.server import server_of

    return server_of(_context(source, role))


def require_sdk() -> None:
    """Raise UsageError if the extra ``mcp`` is not installed."""
    try:
        import mcp.server.lowlevel  # noqa: F401  # fails here if the extra is missing
    except ImportError as error:
        raise UsageError("ckm mcp needs the extra 'mcp'", hint="pip install 'ckm-toolkit[mcp]'") from error


def _context(source: str | os.PathLike[str] | None, role: str | None) -> AgentContext:
    workspace = open_workspace(None if source is None else Path(source))
    return AgentContext(workspace, role or workspace.config.kb.role)
