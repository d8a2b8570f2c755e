"""What the root promises whatever the command: exit codes, hints, streams, near misses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest
import typer
from typer.testing import CliRunner

from ckm import __version__, cli, errors
from ckm.cli import COMMANDS, EXIT_CODES, app, unwrap_examples, wants_json
from ckm.commands.pages import find_page
from ckm.errors import CkmError, InputError, NotEnoughDataError
from ckm.output import detail, note
from tests.conftest import ROOT, Run, Shell


def every_error() -> Iterator[type[CkmError]]:
    found = [CkmError]
    while found:
        error = found.pop()
        yield error
        found.extend(error.__subclasses__())


class Panic(BaseException):
    """As polars raises it when its Rust code fails."""


@pytest.fixture
def failing() -> typer.Typer:
    """A ckm with one command, ``fail``, that does what its argument says."""
    small = typer.Typer(cls=cli._Root, rich_markup_mode=None)

    @small.callback()
    def root() -> None: ...

    @small.command("fail")
    def fail(how: str, fmt: str = typer.Option("csv", "--format", "-f")) -> None:
        note("a note")
        detail("a detail")
        match how:
            case "input":
                raise InputError("orders.csv: line 7 is cut off", hint="export it again", line=7)
            case "few":
                raise NotEnoughDataError("212 repeat customers, 400 needed")
            case "bug":
                raise ValueError("an accident")
            case "panic":
                raise Panic
            case "interrupt":
                raise KeyboardInterrupt
            case "pipe":
                raise BrokenPipeError
            case "disk":
                raise OSError(28, "No space left on device", "out/x.csv")
            case "forbidden":
                raise PermissionError(13, "Permission denied", "orders.csv")

    return small


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("ok", 0),
        ("input", 3),
        ("few", 4),
        ("bug", 70),
        ("interrupt", 130),
        ("pipe", 141),
        ("disk", 2),
        ("forbidden", 2),
    ],
)
def test_each_failure_has_its_exit_code(failing: typer.Typer, how: str, code: int) -> None:
    assert CliRunner().invoke(failing, ["fail", how]).exit_code == code


def test_a_place_that_cannot_be_used_is_named_with_a_hint(failing: typer.Typer) -> None:
    result = CliRunner().invoke(failing, ["fail", "forbidden"])
    assert result.stderr.startswith("a note\nerror: orders.csv: Permission denied\nhint: ")


def test_every_error_of_ckm_has_an_exit_code_that_is_documented() -> None:
    assert {error.exit_code for error in every_error()} <= set(EXIT_CODES)


def test_help_and_readme_list_every_exit_code(run: Run) -> None:
    help_text = run("--help").stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for code, meaning in EXIT_CODES.items():
        assert f"{code:>3}  {meaning}" in help_text
        assert f"| {code} | {meaning} |" in readme


def test_an_error_says_what_where_and_what_next(failing: typer.Typer) -> None:
    result = CliRunner().invoke(failing, ["fail", "input"])
    assert result.stdout == ""
    assert result.stderr == "a note\nerror: orders.csv: line 7 is cut off\nhint: export it again\n"


@pytest.mark.parametrize("words", [["-f", "json"], ["--format=ndjson"], ["-fjson"], ["-qf", "json"]])
def test_an_error_in_a_json_format_is_one_json_line(failing: typer.Typer, words: list[str]) -> None:
    result = CliRunner().invoke(failing, ["fail", "input", "--quiet", *words])
    assert result.stdout == ""
    assert json.loads(result.stderr) == {
        "error": {"code": "input", "message": "orders.csv: line 7 is cut off", "hint": "export it again", "line": 7}
    }


def test_the_parsers_own_complaint_is_one_json_line_too(run: Run) -> None:
    result = run("init", "--forse", "-f", "json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"] == {
        "code": "usage",
        "message": "no such option: --forse",
        "hint": "did you mean '--force'?",
    }


def test_json_errors_can_be_asked_for_by_the_environment(run: Run) -> None:
    assert "error" in json.loads(run("diff", env={"CKM_FORMAT": "json"}).stderr)


def test_words_after_two_dashes_are_no_options() -> None:
    assert not wants_json(["fail", "--", "-f", "json"])


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["init", "--currncy", "EUR", "shop"], "did you mean '--currency'?"),
        (["innit"], "did you mean 'init'?"),
        (["check", "--fail-on", "eror"], "did you mean 'error'?"),
        (["segment", "-f", "xlsx"], "see 'ckm segment --help'"),
        (["segment", "--as-of", "31.12.2025"], "write it as 2025-12-31"),
        (["--vershun"], "did you mean '--version'?"),
        (["diff"], "see 'ckm diff --help'"),
        (["init", "a", "b"], "see 'ckm init --help'"),
    ],
)
def test_a_mistaken_call_is_exit_2_with_a_hint(run: Run, words: list[str], hint: str) -> None:
    result = run(*words, prog_name="ckm")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.endswith(f"hint: {hint}\n")
    assert "Traceback" not in result.stderr


def test_a_bug_keeps_its_traceback_and_says_that_it_is_one(failing: typer.Typer) -> None:
    result = CliRunner().invoke(failing, ["fail", "bug"])
    assert "ValueError: an accident" in result.stderr
    assert f"this is a bug in ckm {__version__}" in result.stderr


def test_quiet_leaves_errors_and_verbose_adds_details(failing: typer.Typer) -> None:
    said = {flag: CliRunner().invoke(failing, ["fail", "input", flag]).stderr for flag in ("-q", "-v")}
    assert said["-q"] == "error: orders.csv: line 7 is cut off\nhint: export it again\n"
    assert said["-v"].startswith("a note\na detail\n")


def test_one_quiet_run_does_not_silence_the_next(failing: typer.Typer) -> None:
    CliRunner().invoke(failing, ["fail", "ok", "-q"])
    assert CliRunner().invoke(failing, ["fail", "ok"]).stderr == "a note\n"


def test_quiet_and_verbose_together_are_refused(run: Run) -> None:
    assert run("init", "-q", "-v", "shop").exit_code == 2


def test_every_command_is_quiet_and_verbose_on_demand() -> None:
    for name, command in typer.main.get_command(app).commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--quiet", "-q", "--verbose", "-v"} <= options, name


def test_every_command_says_what_it_does_and_gives_an_example() -> None:
    for name, command in typer.main.get_command(app).commands.items():
        assert f"ckm {name}" in command.help, name


@pytest.mark.parametrize("name", ["inspect", "ingest", "check", "segment"])
def test_every_command_that_may_take_long_shows_progress_on_a_terminal(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    @contextmanager
    def bar(label: str, total: float | None = None) -> Iterator[Mock]:
        shown.append(label)
        yield Mock()

    monkeypatch.setattr(f"ckm.commands.{name}.progress", bar)
    lines = [f"A{number},c{number},2025-01-{10 + number},5.5" for number in range(6)]
    (path := tmp_path / "orders.csv").write_text("\n".join(["order_id,customer_id,ordered_at,net", *lines]))
    words = [name, str(path)]
    if name == "ingest":
        (tmp_path / "ckm.yaml").touch()
        words += ["--as", "transactions", "-C", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert len(shown) == 1
    assert "orders.csv" in shown[0]


def test_every_example_of_a_help_text_can_be_pasted_as_it_stands() -> None:
    for name, command in typer.main.get_command(app).commands.items():
        lines = re.findall(rf"^ +(?:zcat [^|]+\| )?ckm {name}\b(.*)$", command.help, re.MULTILINE)
        assert lines, name
        for line in lines:
            words = shlex.split(line.replace("$(date +%F)", "2025-12-31"), comments=True)
            words = words[: words.index("|")] if "|" in words else words
            with command.make_context(name, words):  # parses, and refuses what is no option and no argument
                pass


def test_help_says_of_every_command_what_it_does_and_cuts_nothing(run: Run) -> None:
    shown = " ".join(run("--help").stdout.split())
    assert "..." not in shown.partition("Commands:")[2]
    for name, command in typer.main.get_command(app).commands.items():
        assert f"{name} {command.help.partition(chr(10) * 2)[0].replace(chr(10), ' ')}" in shown


def test_examples_in_help_are_not_rewrapped(run: Run) -> None:
    assert "\n      ckm init shop\n      ckm init shop --currency" in run("init", "--help").stdout
    assert unwrap_examples("One line\nand another.\n\nExamples:\n    ckm a\n    ckm b") == (
        "One line\nand another.\n\n\b\nExamples:\n    ckm a\n    ckm b"
    )


@pytest.mark.slow
def test_version_is_alone_on_stdout(shell: Shell) -> None:
    done = shell("--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"ckm {__version__}\n", "", 0)


@pytest.mark.slow
def test_the_shell_sees_the_same_codes_as_the_runner(shell: Shell, run: Run) -> None:
    for words in (["innit"], ["diff"], ["init", "x", "--currency", "euro"]):
        assert shell(*words).returncode == run(*words).exit_code == 2


@pytest.mark.slow
def test_text_in_any_script_passes_a_plain_locale(shell: Shell) -> None:
    done = shell("init", "ร้าน", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert done.returncode == 0
    assert "ร้าน is a workspace" in done.stderr


def test_an_escape_sequence_in_a_name_is_written_out(run: Run, tmp_path: Path) -> None:
    assert "\x1b" not in run("init", tmp_path / "a\x1b[31m").stderr


CLOSED_PIPE = """
import sys
from ckm import cli
from ckm.output import emit_text
@cli.app.command("flood")
def flood():
    for _ in range(100_000):
        emit_text("customer,net\\n")
cli.main()
"""


@pytest.mark.slow
def test_a_closed_pipe_ends_ckm_quietly_with_141() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLOSED_PIPE, "flood"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 141
        assert process.stderr.read() == b""


INTERRUPTED = """
import signal
from ckm import cli
@cli.app.command("wait")
def wait():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    signal.raise_signal(signal.SIGINT)
cli.main()
"""


@pytest.mark.slow
def test_an_interrupt_ends_ckm_with_130_and_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, "wait"], capture_output=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (130, b"interrupted\n")


def test_errors_are_one_small_tree() -> None:
    assert {error.__name__ for error in every_error() if error.__module__ == errors.__name__} == {
        "CkmError",
        "UsageError",
        "UnknownNameError",
        "AmbiguousError",
        "InputError",
        "NotEnoughDataError",
        "RefusedError",
        "VerificationError",
        "BugError",
    }


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ("segment", LONG), ("check", "-C", LONG), ("churn-warn", LONG), ("loyalty-report", LONG), ("inspect", LONG),
        ("ingest", LONG, "--as", "transactions"), ("init", LONG), ("demo", f"{LONG}/shop"), ("kb-lint", "--kb", LONG),
        ("kb-search", "--kb", LONG, "parcel"), ("kb-gaps", "--kb", LONG), ("segment", "a.csv", "--save", LONG),
        ("segment", "a.csv", "--use", LONG), ("inspect", "a.csv", "-o", f"{LONG}.csv"),
        ("inspect", "a.csv", "-o", f"{'y' * 251}.csv"), ("check", "/".join(["y" * 200] * 30)),
    ],
    ids=lambda words: " ".join(words)[:40],
)  # fmt: skip
def test_a_name_that_is_too_long_is_wrong_usage(
    words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    rows = "".join(f"O{n},C{n % 40},2025-0{1 + n % 9}-1{n % 7},{n % 13 + 1}.50,EUR\n" for n in range(400))
    (tmp_path / "a.csv").write_text(f"order_id,customer_id,ordered_at,net,currency\n{rows}", encoding="utf-8")
    found = run(*words)
    assert found.exit_code in {2, 3}, found.output
    assert "Traceback" not in found.stderr


def test_ckm_alone_names_the_two_commands_to_begin_with(run: Run) -> None:
    said = run()
    assert said.exit_code == 0
    assert "ckm demo" in said.stdout
    assert "ckm segment FILE" in said.stdout
    assert len(said.stdout.splitlines()) < 8


def test_help_is_a_command_too(run: Run) -> None:
    assert run("help", "segment").stdout == run("segment", "--help").stdout
    assert run("help").stdout == run("--help").stdout
    mistaken = run("help", "sgement")
    assert mistaken.exit_code == 2
    assert mistaken.stderr.endswith("hint: did you mean 'segment'?\n")


def test_help_prints_a_page_of_the_documentation_and_the_options_of_a_command_of_the_same_name(run: Run) -> None:
    docs = ROOT / "docs"
    assert run("help", "mapping").stdout == (docs / "reference" / "mapping.md").read_text(encoding="utf-8")
    assert run("help", "reference/check").stdout == (docs / "reference" / "check.md").read_text(encoding="utf-8")
    assert run("help", "index").stdout == (docs / "index.md").read_text(encoding="utf-8")
    assert run("help", "check").stdout == run("check", "--help").stdout


def test_every_page_that_a_message_or_a_data_file_names_is_there() -> None:
    named = set()
    for path in [*(ROOT / "ckm").rglob("*.py"), *(ROOT / "ckm" / "data").rglob("*.yaml")]:
        named |= set(re.findall(r"ckm help ([a-z/-]+)", path.read_text(encoding="utf-8")))
    assert {"mapping", "explanation/ingest"} < named
    assert sorted(name for name in named if name not in COMMANDS and find_page(name) is None) == []


def test_every_command_stands_once_in_the_help_under_what_it_is_for(run: Run) -> None:
    commands = typer.main.get_command(app).commands
    grouped = cli.by_purpose(commands)
    assert sorted(name for names in grouped.values() for name in names) == sorted(commands)
    assert "Other" not in grouped
    text = run("--help").stdout
    places = [text.index(f"\n{purpose}:\n") for purpose in grouped]
    assert places == sorted(places)
    assert all(text.count(f"\n  {name} ") == 1 for name in commands)


def test_init_alone_makes_a_workspace_of_the_current_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("init")
    assert said.exit_code == 0
    assert (tmp_path / "ckm.yaml").exists()
    assert said.stderr.startswith("this folder is a workspace: ckm.yaml")
    assert "cd " not in said.stderr


DATE_OPTIONS = [
    (name, option)
    for name, command in typer.main.get_command(app).commands.items()
    for parameter in command.params
    for option in parameter.opts
    if parameter.type.name == "datetime"
]


def test_the_date_options_are_those_of_the_commands() -> None:
    assert {("feedback-mine", "--since"), ("check", "--as-of"), ("ingest", "--exported")} <= set(DATE_OPTIONS)


@pytest.mark.parametrize(("command", "option"), DATE_OPTIONS)
@pytest.mark.parametrize("value", ["2026-13-01", "the 1st: 'May'"])
def test_an_invalid_date_is_refused_in_one_sentence_with_its_option_and_a_hint(
    run: Run, command: str, option: str, value: str
) -> None:
    done = run(command, option, value)
    assert done.exit_code == 2
    assert done.stderr == f"error: invalid date {value!r} for {option}\nhint: write it as 2025-12-31\n"
