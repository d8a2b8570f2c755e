"""``ckm demo``: the whole way from messy files to a list one can act on, on the example shop."""

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
"""Of the example shop: knowledge is judged on that day, and stays as good as it was."""
STEPS = (
    ("What is in a file that nobody has described?", "ckm inspect incoming/web-orders-2024.csv"),
    (
        "What is new in the export after it, and does it overlap?",
        "ckm diff incoming/web-orders-2024.csv incoming/web-orders-2025-26.csv",
    ),
    ("Load every file that a mapping in maps/ names.", "ckm ingest"),
    ("Is what was loaded of good quality?", "ckm check"),
    ("Who are the customers?", "ckm segment -o out/segments.csv"),
    ("Who moved to another segment in the last quarter, and why?", "ckm segment --moves --since 2026-03-31"),
    ("Who could spend more than they do?", "ckm segment --by value -o out/value.csv"),
    ("Who is silent for longer than their own purchase interval?", "ckm segment --by lifecycle -o out/lifecycle.csv"),
    ("Which groups come out of the data by themselves?", "ckm segment --by clusters -o out/clusters.csv"),
    ("Who is about to leave, why, and what would a contact gain?", "ckm churn-warn -o out/churn.csv"),
    ("How right is that, and is another model better?", "ckm churn-warn --backtest -o out/churn-card.html"),
    ("What changed, who is loyal, and what is at stake? Open the page.", "ckm loyalty-report -o out/loyalty.html"),
    ("What do we know about a late parcel?", f'ckm kb-search "the parcel is late" --limit 3 --as-of {LAST_DAY}'),
    (
        "The first of them in full, for a reader of Thai.",
        f"ckm kb-show delivery-late --prefer-lang th --as-of {LAST_DAY}",
    ),
    ("Do customers' own words find it, in six languages?", f"ckm kb-search --suite kb-suite.yaml --as-of {LAST_DAY}"),
    ("Is what we know verified, current and linked?", f"ckm kb-lint --as-of {LAST_DAY}"),
    ("What is sought and not answered?", f"ckm kb-gaps --as-of {LAST_DAY}"),
    (
        "Somebody noticed something: a draft to fill in.",
        f"ckm kb-new --from observation --id idea-tasting --title 'Tea tasting' --force --as-of {LAST_DAY}",
    ),
)
"""What is shown, and the command that shows it."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    def demo(
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The workspace; made if it is not there.")] = Path(
            "ckm-demo"
        ),
    ) -> None:
        """Make the example shop in DIR and run the main job on it, step by step.

        Takes about a minute and 15 MB, and no network. A folder where the demo ran before is used again; another
        folder that holds files is left alone. Prints each command before its result and ends by naming the files.

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
            emit_text(
                "\n# These files are new:\n" + "".join(f"{one_line(str(folder / name))}\n" for name in written(Path()))
            )
        note(f"next: cd {shell_word(str(folder))} && ckm --help")

    app.command("demo")(demo)


def written(folder: Path) -> list[str]:
    """Return what the steps wrote: the results, and the tables of the store."""
    results = sorted(str(path) for path in (folder / "out").iterdir())
    tables = sorted(f"{path.parent}{os.sep}" for path in (folder / "store").glob("*/_delta_log"))
    return [*results, *tables]


@contextmanager
def _for_reading() -> Iterator[None]:
    """Let every command print for a person, also in a pipe, unless the environment names a format."""
    named = os.environ.get("CKM_FORMAT")
    os.environ["CKM_FORMAT"] = named or Format.table
    try:
        yield
    finally:
        if named is None:
            del os.environ["CKM_FORMAT"]


def _run(program: Callable[[list[str]], object], words: list[str]) -> None:
    """Run one command as the shell would, in this process; where it fails, the demo ends with its exit code."""
    try:
        program(words)
    except SystemExit as ended:
        if ended.code:
            raise typer.Exit(int(ended.code)) from None
