"""``ckm demo``: the story of the example shop in six screens, or every command on it."""

from __future__ import annotations

import csv
import os
import shlex
import sys
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.output import Format, Verbosity, emit_text, note, progress, verbosity
from ckm.plaintext import harmless, one_line, shell_word
from ckm.render.line_breaks import wrapped
from ckm.render.screen import as_wide_as, bold, window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.messages import Advance

    Program = Callable[[list[str]], object]

LAST_DAY = "2026-06-30"
"""Last day of the example shop; the knowledge base is evaluated as of this day."""
COLUMNS, LINES = 80, 24
"""Size of a screen; the last line is for the question whether to go on."""
ANY_ANSWER = "delivery-late"
"""Id of the knowledge entry that is shown if no churn warning has one."""


@dataclass(frozen=True)
class Screen:
    """One screen of the story.

    Attributes
    ----------
    title
        What it shows.
    command
        The command line; ``{answer}`` is the entry that answers the first warning.
    paragraphs
        Which paragraphs of the result are shown, from 0.
    """

    title: str
    command: str
    paragraphs: tuple[int, ...]


STORY = (
    Screen("A messy file", "ckm inspect incoming/web-orders-2024.csv", (0, 2, 3)),
    Screen("Clean data: what fails validation is quarantined", "ckm ingest", (0,)),
    Screen("Segments of the customers", "ckm segment -o out/segments.csv", (0,)),
    Screen("Who is likely to churn, and why", "ckm churn-warn --model scorecard -o out/churn.csv", (1,)),
    Screen("What answers the first warning", f"ckm kb-show {{answer}} --prefer-lang en --as-of {LAST_DAY}", (0, 1, 2)),
    Screen("The report", "ckm loyalty-report -o out/loyalty.html", (0, 1, 3)),
)
NEXT = (
    ("out/loyalty.html", "the report, in a browser"),
    ("ckm segment --moves --since 2026-03-31", "who changed segment, and why"),
    ("ckm churn-warn --backtest", "how accurate the churn models were"),
    ('ckm kb-search "the parcel is late"', "answers of the knowledge base"),
    ("ckm segment FILE", "the customers of your own file"),
    ("ckm demo --full", "every command on this shop"),
)
"""What to try after the story."""
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
"""Purpose and command line of each step of ``--full``."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    def demo(
        folder: Annotated[
            Path, typer.Argument(metavar="[DIR]", help="The workspace; created if it does not exist.")
        ] = Path("ckm-demo"),
        full: Annotated[bool, typer.Option("--full", help="Run every command and print all of its output.")] = False,
        pause: Annotated[
            bool, typer.Option("--pause/--no-pause", help="Wait for Enter after each screen. Only on a terminal.")
        ] = True,
    ) -> None:
        """Show what ckm does in six screens on an example shop: from a messy file to a report.

        Creates the example shop in DIR and runs inspect, ingest, segment, churn-warn, kb-show and loyalty-report on it.
        Each screen has at most 24 lines of 80 characters; on a terminal Enter shows the next one. --full runs every
        command. Takes some ten seconds and 15 MB, --full half a minute, and no network. A folder of an earlier demo is
        reused; any other folder with files is refused.

        Examples:
            ckm demo
            ckm demo /tmp/shop --no-pause
            ckm demo --full
        """
        program = typer.main.get_command(app)
        with progress("making the example shop"):
            from ckm.example.workspace import lay_out_example

            lay_out_example(folder)
        if full:
            _run_everything(program, folder)
        else:
            with chdir(folder):
                _tell_story(program, pausing=pause and sys.stdin.isatty() and sys.stdout.isatty())
            _say_next(folder)

    app.command("demo")(demo)


def _tell_story(program: Program, *, pausing: bool) -> None:
    for number, screen in enumerate(STORY, 1):
        command = screen.command.format(answer=_first_answer(Path("out") / "churn.csv"))
        with progress(f"{number} of {len(STORY)}") as advance:
            lines = _lines(program, command, screen, advance)
        _print(bold(f"{number} of {len(STORY)}: {screen.title}"), *map(harmless, lines))
        if number < len(STORY):
            if pausing and not _goes_on():
                return
            _print("")


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _lines(program: Program, command: str, screen: Screen, advance: Advance) -> list[str]:
    """Run a command and return as much of its command line, result and remarks as a screen has room for."""
    words = shlex.split(command)[1:]
    advance.stage(words[0])
    stdout, stderr = StringIO(), StringIO()
    columns = min(window() or COLUMNS, COLUMNS)
    with _for_reading(), as_wide_as(columns), redirect_stdout(stdout), redirect_stderr(stderr):
        code = _code(program, words)
    if code:
        sys.stderr.write(stderr.getvalue())
        raise typer.Exit(code)
    paragraphs = stdout.getvalue().strip("\n").split("\n\n")
    chosen = [paragraphs[at] for at in screen.paragraphs if at < len(paragraphs)]
    shown = "\n\n".join(chosen).split("\n")
    left_out = len(stdout.getvalue().strip("\n").split("\n")) - len(shown)
    remarks = [line for text in stderr.getvalue().splitlines() for line in _folded(text)]
    room = LINES - 4 - len(remarks)  # title, command, what is left out, and the question
    left_out += max(0, len(shown) - room)
    rest = [f"… and {left_out} more lines"] if left_out > 0 else []
    return [f"$ {command}", *shown[:room], *rest, *remarks]


def _folded(text: str) -> list[str]:
    first, *rest = wrapped(text, COLUMNS - 2)
    return [first, *(f"  {line}" for line in rest)]


def _first_answer(path: Path) -> str:
    """Return the knowledge entry of the first warning that has one."""
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["answers"]:
                    return row["answers"].split("; ")[0]
    return ANY_ANSWER


def _goes_on() -> bool:
    """Ask whether to go on; return False on ``q``."""
    sys.stderr.write("Enter: next screen, q: quit ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    return not answer.strip().casefold().startswith("q")


def _say_next(folder: Path) -> None:
    place = shell_word(str(folder))
    widest = max(len(what) for what, _ in NEXT)
    _print("", f"{bold('Next:')} cd {harmless(place)}", *(f"  {what.ljust(widest)}  {why}" for what, why in NEXT))


def _run_everything(program: Program, folder: Path) -> None:
    flags = ["--quiet"] if verbosity() is Verbosity.quiet else []
    emit_text(f"$ ckm init --demo {shell_word(str(folder))}\n$ cd {shell_word(str(folder))}\n")
    with chdir(folder), _for_reading():
        for purpose, command in STEPS:
            emit_text(f"\n# {purpose}\n$ {command}\n")
            if code := _code(program, [*shlex.split(command)[1:], *flags]):
                raise typer.Exit(code)
        emit_text("\n# Files created:\n" + "".join(f"{one_line(str(folder / name))}\n" for name in written(Path())))
    note(f"next: cd {shell_word(str(folder))} && ckm --help")


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


def _code(program: Program, words: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    try:
        program(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
