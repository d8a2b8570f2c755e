"""``ckm demo``: run the main commands on the example shop."""

from __future__ import annotations

import os
import shlex
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.output import Format, Verbosity, emit_text, note, verbosity
from ckm.plaintext import one_line, shell_word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAST_DAY = "2026-06-30"
"""Last day of the example shop; the knowledge base is evaluated as of this day."""
STEPS = (
    ("Inspect a file: encoding, dialect, columns, problems.", "ckm inspect incoming/web-orders-2024.csv"),
    (
        "Compare it with the next export: new, changed and missing rows.",
        "ckm diff incoming/web-orders-2024.csv incoming/web-orders-2025-26.csv",
    ),
    ("Load every file that matches a mapping in maps/.", "ckm ingest"),
    ("Check the quality of the loaded data.", "ckm check"),
    ("Assign customers to segments by recency, frequency and monetary value.", "ckm segment -o out/segments.csv"),
    ("Explain segment changes in the last quarter.", "ckm segment --moves --since 2026-03-31"),
    ("Segment by current value and upsell potential.", "ckm segment --by value -o out/value.csv"),
    ("Segment by life cycle stage.", "ckm segment --by lifecycle -o out/lifecycle.csv"),
    ("Find clusters of customers.", "ckm segment --by clusters -o out/clusters.csv"),
    ("List customers likely to churn, with reasons and expected gain.", "ckm churn-warn -o out/churn.csv"),
    ("Backtest the churn model against alternatives.", "ckm churn-warn --backtest -o out/churn-card.html"),
    ("Report on loyalty: changes, drivers, value at risk. Open the page.", "ckm loyalty-report -o out/loyalty.html"),
    ("Search the knowledge base.", f'ckm kb-search "the parcel is late" --limit 3 --as-of {LAST_DAY}'),
    (
        "Show the first entry, in Thai.",
        f"ckm kb-show delivery-late --prefer-lang th --as-of {LAST_DAY}",
    ),
    ("Evaluate the search in six languages.", f"ckm kb-search --suite kb-suite.yaml --as-of {LAST_DAY}"),
    ("Check the knowledge base.", f"ckm kb-lint --as-of {LAST_DAY}"),
    ("List queries without hits.", f"ckm kb-gaps --as-of {LAST_DAY}"),
    (
        "Write a draft entry from a template.",
        f"ckm kb-new --from observation --id idea-tasting --title 'Tea tasting' --force --as-of {LAST_DAY}",
    ),
)
"""Purpose and command line of each step."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    def demo(
        folder: Annotated[
            Path, typer.Argument(metavar="[DIR]", help="The workspace; created if it does not exist.")
        ] = Path("ckm-demo"),
    ) -> None:
        """Create the example shop in DIR and run the main commands on it.

        Takes about a minute and 15 MB, and no network. A folder of an earlier demo is reused; any other folder with
        files is refused. Prints each command before its result, and the list of created files at the end.

        Examples:
            ckm demo
            ckm demo /tmp/shop
        """
        from ckm.example.workspace import lay_out_example

        flags = ["--quiet"] if verbosity() is Verbosity.quiet else []
        lay_out_example(folder)
        emit_text(f"$ ckm init --demo {shell_word(str(folder))}\n$ cd {shell_word(str(folder))}\n")
        with chdir(folder), _for_reading():
            program = typer.main.get_command(app)
            for purpose, command in STEPS:
                emit_text(f"\n# {purpose}\n$ {command}\n")
                _run(program, [*shlex.split(command)[1:], *flags])
            emit_text("\n# Files created:\n" + "".join(f"{one_line(str(folder / name))}\n" for name in written(Path())))
        note(f"next: cd {shell_word(str(folder))} && ckm --help")

    app.command("demo")(demo)


def written(folder: Path) -> list[str]:
    """Return the paths that the steps wrote: the results and the tables of the store."""
    results = sorted(str(path) for path in (folder / "out").iterdir())
    tables = sorted(f"{path.parent}{os.sep}" for path in (folder / "store").glob("*/_delta_log"))
    return [*results, *tables]


@contextmanager
def _for_reading() -> Iterator[None]:
    """Print tables in a pipe too, unless the environment sets a format."""
    named = os.environ.get("CKM_FORMAT")
    os.environ["CKM_FORMAT"] = named or Format.table
    try:
        yield
    finally:
        if named is None:
            del os.environ["CKM_FORMAT"]


def _run(program: Callable[[list[str]], object], words: list[str]) -> None:
    """Run one command in this process; if it fails, exit with its exit code."""
    try:
        program(words)
    except SystemExit as ended:
        if ended.code:
            raise typer.Exit(int(ended.code)) from None
