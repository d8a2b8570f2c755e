"""``ckm demo``: six screens of commands on the example shop, or all commands."""

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

LAST_DATE = "2026-06-30"
"""Last day of the example shop; ``--as-of`` of the commands for the knowledge base."""
COLUMNS, LINES = 80, 24
"""Size of a screen, with a line for the prompt below it."""
FALLBACK_ENTRY = "delivery-late"
"""Id of the knowledge entry that is shown if no churn warning has one."""


@dataclass(frozen=True)
class Screen:
    """One screen of the story.

    Attributes
    ----------
    title
        The title.
    command
        The command line; ``{entry}`` is the knowledge entry of the first churn warning that has one.
    paragraphs
        Which paragraphs of the result are shown, from 0.
    """

    title: str
    command: str
    paragraphs: tuple[int, ...]


SCREENS = (
    Screen("A messy file", "ckm inspect incoming/web-orders-2024.csv", (0, 2, 3)),
    Screen("Clean data: what fails validation is quarantined", "ckm ingest", (0,)),
    Screen("Segments of the customers", "ckm segment -o out/segments.csv", (0,)),
    Screen("Who is likely to churn, and why", "ckm churn-warn --model scorecard -o out/churn.csv", (1,)),
    Screen("What answers the first warning", f"ckm kb-show {{entry}} --prefer-lang en --as-of {LAST_DATE}", (0, 1, 2)),
    Screen("The report", "ckm loyalty-report -o out/loyalty.html", (0, 1, 3)),
)
NEXT_COMMANDS = (
    ("out/loyalty.html", "the report, in a browser"),
    ("ckm segment --moves --since 2026-03-31", "who changed segment, and why"),
    ("ckm churn-warn --backtest", "how accurate the churn models were"),
    ('ckm kb-search "the parcel is late"', "answers of the knowledge base"),
    ("ckm segment FILE", "the customers of your own file"),
    ("ckm demo --full", "every command on this shop"),
)
"""What the demo suggests after the last screen."""
ALL_COMMANDS = (
    ("Inspect a file: encoding, dialect, columns, problems.", "ckm inspect incoming/web-orders-2024.csv"),
    (
        "Compare it with the next export: new, changed and missing rows.",
        "ckm diff incoming/web-orders-2024.csv incoming/web-orders-2025-26.csv",
    ),
    ("Load every file that matches a mapping in maps/.", "ckm ingest"),
    ("Check the quality of the loaded data.", "ckm check"),
    (
        "Load who buys through, owns, supplies, refers or works at whom.",
        "ckm ingest relationships.csv --as relationships",
    ),
    ("Load the numbers that companies want on invoices.", "ckm ingest billing-fields.csv --as billing_fields"),
    ("Load the members of the loyalty programme.", "ckm ingest memberships.csv --as memberships"),
    ("Find the customer ids of one person, without writing the links.", "ckm link --dry-run -o out/links.csv"),
    ("Assign customers to segments by recency, frequency and monetary value.", "ckm segment -o out/segments.csv"),
    ("Explain segment changes in the last quarter.", "ckm segment --moves --since 2026-03-31"),
    ("Segment by current value and upsell potential.", "ckm segment --by value -o out/value.csv"),
    ("Segment by life cycle stage.", "ckm segment --by lifecycle -o out/lifecycle.csv"),
    ("Find clusters of customers.", "ckm segment --by clusters -o out/clusters.csv"),
    ("List customers likely to churn, with reasons and expected gain.", "ckm churn-warn -o out/churn.csv"),
    ("Backtest the churn model against alternatives.", "ckm churn-warn --backtest -o out/churn-card.html"),
    (
        "Take over a campaign with its holdout, for measurement.",
        "ckm audience new may-letter --from campaign.csv --entry campaign-may-voucher",
    ),
    ("Measure its effect against the holdout.", "ckm outcome record may-letter"),
    ("Write the effect on the knowledge entry.", "ckm outcome publish may-letter"),
    ("Draw a holdout before the next list exists.", "ckm audience new win-back --from churn-warn --budget 200"),
    ("Write its contacts for another program.", "ckm audience export win-back --to klaviyo -o out/klaviyo.csv"),
    ("Report on loyalty: changes, drivers, value at risk. Open the page.", "ckm loyalty-report -o out/loyalty.html"),
    ("Forecast the demand of the next weeks by category.", "ckm forecast --by category -o out/demand.csv"),
    ("Find rising topics, categories bought next, and workarounds.", "ckm needs -o out/needs.csv"),
    ("List what each customer probably buys next.", "ckm needs --next-items -o out/next-items.csv"),
    ("Show groups, partners, contacts and referrals by money. Open the page.", "ckm network -o out/network.html"),
    (
        "Load reviews of customers.",
        "ckm ingest comments/reviews.jsonl --map comments/reviews.yaml",
    ),
    (
        "Find the topics of what customers say, and write drafts of missing knowledge entries.",
        "ckm feedback-mine --learn --drafts -o out/feedback.html",
    ),
    ("Search the knowledge base.", f'ckm kb-search "the parcel is late" --limit 3 --as-of {LAST_DATE}'),
    (
        "Show the first entry, in Thai.",
        f"ckm kb-show delivery-late --prefer-lang th --as-of {LAST_DATE}",
    ),
    ("Evaluate the search in six languages.", f"ckm kb-search --suite kb-suite.yaml --as-of {LAST_DATE}"),
    ("Check the knowledge base.", f"ckm kb-lint --as-of {LAST_DATE}"),
    ("Record that an entry helped.", "ckm kb-used delivery-late --helpful yes"),
    ("List queries without hits.", f"ckm kb-gaps --as-of {LAST_DATE}"),
    ("List the tools that an agent may call with the role service.", "ckm mcp --list --role service"),
    (
        "Write a draft entry from a template.",
        f"ckm kb-new --from observation --id idea-tasting --title 'Tea tasting' --force --as-of {LAST_DATE}",
    ),
    ("Say what the programme returned, and what cannot be said.", "ckm evaluate --period 24mo"),
    ("Erase a customer who asks to be forgotten, and show the receipt.", "ckm privacy erase 0010017"),
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
        command. Takes some ten seconds and 15 MB, --full one minute, and no network. A folder of an earlier demo is
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
            _run_all_commands(program, folder)
        else:
            with chdir(folder):
                _show_screens(program, pausing=pause and sys.stdin.isatty() and sys.stdout.isatty())
            _print_next_commands(folder)

    app.command("demo")(demo)


def _show_screens(program: Program, *, pausing: bool) -> None:
    for number, screen in enumerate(SCREENS, 1):
        command = screen.command.format(entry=_first_entry(Path("out") / "churn.csv"))
        with progress(f"{number} of {len(SCREENS)}") as advance:
            lines = _lines(program, command, screen, advance)
        _print(bold(f"{number} of {len(SCREENS)}: {screen.title}"), *map(harmless, lines))
        if number < len(SCREENS):
            if pausing and not _wants_next():
                return
            _print("")


def _print(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _lines(program: Program, command: str, screen: Screen, advance: Advance) -> list[str]:
    """Run a command and return its command line, result and remarks, cut to the lines of a screen."""
    words = shlex.split(command)[1:]
    advance.stage(words[0])
    stdout, stderr = StringIO(), StringIO()
    columns = min(window() or COLUMNS, COLUMNS)
    with _as_tables(), as_wide_as(columns), redirect_stdout(stdout), redirect_stderr(stderr):
        code = _exit_code(program, words)
    if code:
        sys.stderr.write(stderr.getvalue())
        raise typer.Exit(code)
    paragraphs = stdout.getvalue().strip("\n").split("\n\n")
    chosen = [paragraphs[at] for at in screen.paragraphs if at < len(paragraphs)]
    shown = "\n\n".join(chosen).split("\n")
    left_out = len(stdout.getvalue().strip("\n").split("\n")) - len(shown)
    remarks = [line for text in stderr.getvalue().splitlines() for line in _wrapped(text)]
    most = LINES - 4 - len(remarks)  # title, command line, number of hidden lines, prompt
    left_out += max(0, len(shown) - most)
    rest = [f"… and {left_out} more lines"] if left_out > 0 else []
    return [f"$ {command}", *shown[:most], *rest, *remarks]


def _wrapped(text: str) -> list[str]:
    first, *rest = wrapped(text, COLUMNS - 2)
    return [first, *(f"  {line}" for line in rest)]


def _first_entry(path: Path) -> str:
    """Return the first knowledge entry of the first warning that has one; ``path`` is the file of warnings."""
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["answers"]:
                    return row["answers"].split("; ")[0]
    return FALLBACK_ENTRY


def _wants_next() -> bool:
    """Ask for the next screen; return False on ``q``."""
    sys.stderr.write("Enter: next screen, q: quit ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    return not answer.strip().casefold().startswith("q")


def _print_next_commands(folder: Path) -> None:
    place = shell_word(str(folder))
    widest = max(len(what) for what, _ in NEXT_COMMANDS)
    _print(
        "", f"{bold('Next:')} cd {harmless(place)}", *(f"  {what.ljust(widest)}  {why}" for what, why in NEXT_COMMANDS)
    )


def _run_all_commands(program: Program, folder: Path) -> None:
    flags = ["--quiet"] if verbosity() is Verbosity.quiet else []
    emit_text(f"$ ckm init --demo {shell_word(str(folder))}\n$ cd {shell_word(str(folder))}\n")
    with chdir(folder), _as_tables():
        for purpose, command in ALL_COMMANDS:
            emit_text(f"\n# {purpose}\n$ {command}\n")
            if code := _exit_code(program, [*shlex.split(command)[1:], *flags]):
                raise typer.Exit(code)
        emit_text("\n# Files created:\n" + "".join(f"{one_line(str(folder / name))}\n" for name in written(Path())))
    note(f"next: cd {shell_word(str(folder))} && ckm --help")


def written(folder: Path) -> list[str]:
    """Return the paths that the commands wrote: the results and the tables of the store."""
    results = sorted(str(path) for path in (folder / "out").iterdir())
    tables = sorted(f"{path.parent}{os.sep}" for path in (folder / "store").glob("*/_delta_log"))
    return [*results, *tables]


@contextmanager
def _as_tables() -> Iterator[None]:
    """Print tables in a pipe too, unless the environment sets a format."""
    named = os.environ.get("CKM_FORMAT")
    os.environ["CKM_FORMAT"] = named or Format.table
    try:
        yield
    finally:
        if named is None:
            del os.environ["CKM_FORMAT"]


def _exit_code(program: Program, words: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    try:
        program(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
