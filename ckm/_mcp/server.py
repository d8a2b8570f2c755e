"""MCP server: lists tools, and answers and logs their calls over stdin and stdout, with the official SDK."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ckm import __version__
from ckm._kb.search_log import append_line
from ckm._mcp.tools import AgentContext, offered
from ckm.errors import CkmError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import mcp_types as types
    from mcp.server.lowlevel import Server

    from ckm._mcp.tools import AgentTool

LOG = "mcp-calls.ndjson"
"""File in ``out/`` of the workspace with one line per call, without arguments."""
KINDS = {"string": str, "integer": int, "boolean": bool, "array": list}


def server_of(context: AgentContext) -> Server[Any]:
    """Return the MCP server for a workspace and the role of an agent."""
    import mcp_types as types
    from mcp.server.lowlevel import Server

    tools = offered(context)

    async def list_tools(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        read_only = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
        return types.ListToolsResult(
            tools=[
                types.Tool(name=name, description=tool.description, input_schema=_schema(tool), annotations=read_only)
                for name, tool in tools.items()
            ]
        )

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        result, failed = answer(context, tools, params.name, params.arguments or {})
        text = json.dumps(result, ensure_ascii=False)
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content], structured_content=result, is_error=failed)

    return Server("ckm", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve(server: Server[Any]) -> None:
    """Answer calls from stdin on stdout until stdin is closed."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def answer(
    context: AgentContext, tools: Mapping[str, AgentTool], name: str, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Call a tool, log the call, and return the JSON result and whether the call failed.

    The result of a :class:`CkmError` is its code, message and hint. Of any other exception only the type is returned,
    since its message may contain data. If the call cannot be logged, an error is returned instead of the result.
    """
    started = time.monotonic()
    result: dict[str, Any]
    try:
        if name not in tools:
            raise UnknownNameError("tool", name, tools)
        _check(tools[name], arguments)
        result, failed = tools[name].run(context, arguments), False
    except CkmError as error:
        result, failed = error.to_dict(), True
    except Exception as error:  # a bug in a tool must not end the server
        result, failed = {"code": "bug", "message": f"a bug in ckm: {type(error).__name__}", "hint": None}, True
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool": name if name in tools else None,
        "role": context.role,
        "seconds": round(time.monotonic() - started, 3),
        "error": result["code"] if failed else None,
    }
    try:
        append_line(context.workspace.root / "out" / LOG, line)
    except OSError:
        return {"code": "usage", "message": f"out/{LOG} cannot be written, so nothing is answered", "hint": None}, True
    return result, failed


def _schema(tool: AgentTool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: dict(about) for name, about in tool.properties.items()},
        "required": list(tool.required),
        "additionalProperties": False,
    }


def _check(tool: AgentTool, arguments: Mapping[str, Any]) -> None:
    """Raise UsageError if arguments do not match the schema of the tool; the message contains no argument's value."""
    for name in tool.required:
        if name not in arguments:
            raise UsageError(f"the argument '{name}' is missing")
    for name, value in arguments.items():
        about = tool.properties.get(name)
        if about is None:
            raise UnknownNameError("argument", name, tool.properties)
        kind = about["type"]
        if not isinstance(value, KINDS[kind]) or (kind == "integer" and isinstance(value, bool)):
            raise UsageError(f"the argument '{name}' is not of type {kind}")
        if "enum" in about and value not in about["enum"]:
            raise UsageError(f"the argument '{name}' is not one of {', '.join(about['enum'])}")
        if kind == "integer" and not about["minimum"] <= value <= about["maximum"]:
            raise UsageError(f"the argument '{name}' is not from {about['minimum']} to {about['maximum']}")
