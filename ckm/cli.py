"""The ``ckm`` command: the root, the exit codes, and the list of commands."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import re
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ckm import __version__
from ckm.commands.completion import named_command
from ckm.commands.local_paths import refuse_urls
from ckm.commands.options import verbosity_options
from ckm.commands.pages import find_page
from ckm.commands.recording import record_runs
from ckm.errors import CkmError, UnknownNameError, UsageError
from ckm.io.scanned_files import explain, forget
from ckm.output import say_remarks, show_error, start_run
from ckm.process import Ended, end_by_signal, forget_stdout, open_streams, spare_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EXIT_CODES = {
    0: "done",
    1: "findings at or above --fail-on (only when asked)",
    2: "wrong usage or configuration",
    3: "input data broken",
    4: "not enough data for an honest answer",
    5: "refused by policy",
    6: "verification failed",
    70: "a bug in ckm (traceback kept)",
    129: "hung up (SIGHUP)",
    130: "interrupted",
    141: "pipe closed",
    143: "terminated (SIGTERM)",
}
FILE_SYSTEM_ERRORS = {
    errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.EBADF,
    errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip
"""Error numbers of the operating system whose cause is the machine (disk, permissions, names), not ckm's code."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Thread limits for scikit-learn and similar libraries, unless the environment sets them: for tables of this size more
threads save no time, and two parallel runs slow each other down sixfold. polars is not limited."""
EXAMPLE_COLUMNS = 78
"""Columns of a line of help: 80 less the indentation."""
FILE_SYSTEM_HINT = "look at the permissions and the free space of that place"


class _Root(TyperGroup):
    """The group of all commands; it converts errors to exit codes.

    It replaces typer's own ``main``, so that exit codes and messages are the same in the shell, in ``CliRunner`` and
    for errors of the parser.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in self.commands.values():
            command.params.extend(verbosity_options())
            command.help = unwrap_examples(command.help or "")
            record_runs(command)
            refuse_urls(command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        # typer would truncate the first sentence of a command's help at the end of the line.
        widest = max(map(len, self.commands))
        for purpose, names in by_purpose(self.commands).items():
            with formatter.section(purpose):
                formatter.write_dl(
                    [(name.ljust(widest), self.commands[name].get_short_help_str(limit=200)) for name in names]
                )

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise UnknownNameError("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        _write_utf8()
        for name, value in ONE_THREAD.items():
            os.environ.setdefault(name, value)
        start_run()
        forget()
        self._main_shell_completion(extra, prog_name or "ckm", complete_var)
        sys.exit(self._run(words, prog_name or "ckm", extra))

    def _run(self, words: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        """Run one command line and return its exit code."""
        if not words:
            print(WELCOME)
            return 0
        if words[0] == "help":
            if len(words) == 2 and words[1] not in self.commands and (page := find_page(words[1])):
                print(page.read_text(encoding="utf-8"), end="")
                return 0
            words = [*words[1:], "--help"]
        try:
            code = 0
            try:
                with self.make_context(prog_name, words.copy(), **extra) as ctx:
                    self.invoke(ctx)
            except typer.Exit as done:
                code = done.exit_code
            sys.stdout.flush()
            say_remarks()
            return code
        except CkmError as error:
            return _fail(error, words)
        except TyperException as error:
            return _fail(_usage_error(error), words)
        except Ended as ended:
            _print_to_stderr(str(ended))
            return ended.exit_code
        except (KeyboardInterrupt, typer.Abort):
            _print_to_stderr("interrupted")
            return 130
        except BrokenPipeError:
            forget_stdout()
            return 141
        except SystemExit:
            raise
        except BaseException as error:  # a polars panic is not an Exception
            if isinstance(error, OSError) and error.errno in FILE_SYSTEM_ERRORS:
                why = "it is closed" if error.errno == errno.EBADF else error.strerror
                place = error.filename or _unwritable_stdout() or "stdout or a file"
                hint = "choose a shorter name" if error.errno == errno.ENAMETOOLONG else FILE_SYSTEM_HINT
                return _fail(UsageError(f"{place}: {why}", hint=hint), words)
            if damaged := explain(error):
                return _fail(damaged, words)
            from ckm.bugreport import bug_report

            _print_to_stderr(bug_report(error))
            _print_to_stderr(f"this is a bug in ckm {__version__}: please report the lines above")
            return 70


def _fail(error: CkmError, words: Sequence[str]) -> int:
    as_json = wants_json(words)
    with suppress(OSError):  # stderr is closed or its disk is full: the exit code is what is left
        if not as_json:
            say_remarks()
        show_error(error, as_json=as_json)
    return error.exit_code


def _print_to_stderr(message: str) -> None:
    with suppress(OSError):
        print(message, file=sys.stderr)


def wants_json(words: Sequence[str]) -> bool:
    """Return whether a command line requests JSON, by its words, because an invalid one is not parsed.

    >>> wants_json(["segment", "--format=json", "--colour"])
    True
    """
    asked = os.environ.get("CKM_FORMAT", "")
    options = list(words[: words.index("--")] if "--" in words else words)
    for word, following in pairwise([*options, ""]):
        # `-f` may end a group of flags (`-qf json`) and may contain its value (`-fjson`).
        if found := re.fullmatch(r"(?:--format|-[qv]*f)(?:=?(json|ndjson))?", word):
            asked = found[1] or following
    return asked in {"json", "ndjson"}


def unwrap_examples(text: str) -> str:
    r"""Return a help text in which paragraphs with an indented line are not rewrapped.

    The parser's mark for such a paragraph is a line with ``\b``. This function adds it, so docstrings do not need it.
    """
    dedented = re.sub(r"\n[ \t]+\n", "\n\n", text)
    paragraphs = ["\n".join(map(_example, part.split("\n"))) for part in dedented.split("\n\n")]
    return "\n\n".join(f"\b\n{part}" if re.search(r"^[ \t]", part, re.MULTILINE) else part for part in paragraphs)


def _example(line: str) -> str:
    """Return a line of examples; a comment that does not fit beside its command is moved to a line above it."""
    found = re.fullmatch(r"(\s+)(\S.*?)\s{2,}(# .*)", line)
    return f"{found[1]}{found[3]}\n{found[1]}{found[2]}" if found and len(line) > EXAMPLE_COLUMNS else line


def _usage_error(error: TyperException) -> UsageError:
    """Return the parser's error as an error of ckm, with a similar option or the help as hint."""
    context = getattr(error, "ctx", None)
    similar = getattr(error, "possibilities", None) or _similar_choices(error.message)
    path = context.command_path if context is not None else "ckm"
    message = (error.message if hasattr(error, "possibilities") else error.format_message()).rstrip(".")
    hint = f"did you mean '{similar[0]}'?" if similar else f"see '{path} --help'"
    # the only parameters with a format are dates
    if date := re.search(r"'(--[\w-]+)'.*?: (.*) does not match the format", message, re.DOTALL):
        message, hint = f"invalid date {date[2]} for {date[1]}", "write it as 2025-12-31"
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _similar_choices(message: str) -> list[str]:
    """Return the choice most similar to the given value for an error such as ``'jsn' is not one of 'csv', 'json'``."""
    from difflib import get_close_matches

    given, complaint, rest = message.partition(" is not one of ")
    return get_close_matches(given.strip("'"), re.findall("'([^']+)'", rest), n=1) if complaint else []


def _write_utf8() -> None:
    """Write UTF-8 in any locale: under ``LC_ALL=C`` a Thai name would otherwise raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _unwritable_stdout() -> str | None:
    """Return ``stdout`` if it cannot be written, else None.

    An unwritable stdout is redirected to the null device, because Python would try to write again at exit.
    """
    try:
        sys.stdout.flush()
    except OSError:
        forget_stdout()
        return "stdout"
    return None


WELCOME = f"""ckm {__version__}: customer data and team knowledge become segments, warnings, reports.

  ckm demo            see it on an example shop, in six screens
  ckm segment FILE    segment the customers of a file of transactions
  ckm --help          all commands"""
"""What ``ckm`` alone prints."""
HELP_OF_HELP = (
    "ckm help COMMAND shows the options of a command, ckm help PAGE a page of the documentation, "
    "ckm help index the list of the pages."
)
EPILOG = f"{HELP_OF_HELP}\n\n\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()
)

COMMANDS = {
    "init": "init",
    "demo": "demo",
    "inspect": "inspect",
    "diff": "diff",
    "ingest": "ingest",
    "check": "check",
    "link": "link",
    "segment": "segment",
    "churn-warn": "churn_warn",
    "audience": "audience",
    "outcome": "outcome",
    "evaluate": "evaluate",
    "loyalty-report": "loyalty_report",
    "forecast": "forecast",
    "needs": "needs",
    "profile": "profile",
    "network": "network",
    "feedback-mine": "feedback_mine",
    "nightly": "nightly",
    "privacy": "privacy",
    "runs": "runs",
    "kb-search": "kb_search",
    "kb-show": "kb_show",
    "kb-new": "kb_new",
    "kb-lint": "kb_lint",
    "kb-gaps": "kb_gaps",
    "kb-used": "kb_used",
    "mcp": "mcp",
}
"""Module of each command, in the order of the help texts."""

PURPOSES = {
    "Start": ("init", "demo"),
    "Load": ("inspect", "diff", "ingest", "check", "link"),
    "Understand": ("segment", "loyalty-report", "forecast", "needs", "profile", "network", "feedback-mine"),
    "Act": ("churn-warn", "audience", "outcome", "evaluate", "nightly"),
    "Know": ("kb-search", "kb-show", "kb-new", "kb-lint", "kb-gaps", "kb-used", "mcp"),
    "Govern": ("privacy", "runs"),
}
"""The commands by purpose, in the order of the help of ``ckm``."""


def by_purpose(commands: Iterable[str]) -> dict[str, list[str]]:
    """Return commands by purpose (:data:`PURPOSES`), and commands without a purpose under ``Other``."""
    left = list(commands)
    found = {purpose: [name for name in names if name in left] for purpose, names in PURPOSES.items()}
    found["Other"] = [name for name in left if not any(name in names for names in found.values())]
    return {purpose: names for purpose, names in found.items() if names}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ckm {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Turn customer data and team knowledge into segments, warnings and reports."""


def application(modules: Iterable[str]) -> typer.Typer:
    """Return ckm with the commands of these modules."""
    application = typer.Typer(
        cls=_Root,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(root)
    for name in modules:
        import_module(f"ckm.commands.{name}").register(application)
    return application


@cache
def _all_commands() -> typer.Typer:
    return application(COMMANDS.values())


def __getattr__(name: str) -> typer.Typer:
    """Return ``app``, ckm with all commands, on access."""
    if name != "app":
        raise AttributeError(name)
    return _all_commands()


def main() -> None:
    """Run the command line of this process; :mod:`ckm.__main__` calls it.

    Importing the modules of all commands takes 80 ms of CPU. So if the first argument is a command, only its module is
    imported; the demo imports all, because it runs them.
    """
    # Else Python searches all objects for reference cycles before it ends: 10 milliseconds.
    atexit.register(gc.freeze)
    open_streams()
    spare_full_disk()
    end_by_signal(watched=not sys.argv[1:2] or not sys.argv[1].startswith("kb-"))
    words = [word for word in sys.argv[1:3] if word != "help"]
    name = words[0] if words else named_command()
    named = COMMANDS.get(name) if name and name != "demo" else None
    (application([named]) if named else _all_commands())()
