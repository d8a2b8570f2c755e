"""The ``ckm`` command: its root, its exit codes, and the list of commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ckm import __version__
from ckm.errors import CkmError
from ckm.output import Format, show_error


class _ErrorsBecomeExitCodes(TyperGroup):
    """Turn a CkmError into a short message and its exit code; let bugs through."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CkmError as error:
            show_error(error, as_json=ctx.obj in {Format.json, Format.ndjson})
            raise typer.Exit(error.exit_code) from None


app = typer.Typer(
    cls=_ErrorsBecomeExitCodes,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ckm {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Turn customer data and team knowledge into segments, warnings and reports."""


def main() -> None:
    """Run ckm; the entry point of the console script."""
    app()
