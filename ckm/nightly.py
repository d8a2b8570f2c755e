"""The nightly run of a workspace; the function behind ``ckm nightly``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._loyalty.document import loyalty_document
from ckm._loyalty.words import load_words
from ckm._nightly.record import record_inputs, recorded_inputs, warning_inputs
from ckm._nightly.step import State, Step, attempt, caught, steps_table, strongest
from ckm._runs.record import begin, finish
from ckm._segment.library import Library
from ckm.check import Severity, check
from ckm.churn import ChurnOptions, warn
from ckm.config import open_workspace
from ckm.customers.history import NEEDS
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.dataset import TRANSACTIONS, Dataset, open_dataset
from ckm.errors import CkmError, UsageError, exit_code_of_files
from ckm.files import replacing
from ckm.ingest import ingest
from ckm.ingest.results import Status
from ckm.ingest.selection import files_of, workspace_mappings
from ckm.io.readers.folder import files_in
from ckm.loyalty import LoyaltyOptions, loyalty_report
from ckm.names import FITTED_METHODS
from ckm.render.page import render_page
from ckm.result import Result
from ckm.segment import SegmentOptions, segment_dataset
from ckm.store import Store
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from datetime import date

    import polars as pl

    from ckm._runs.record import Begun
    from ckm.config import Workspace
    from ckm.ingest import IngestResult

FINDINGS, WARNINGS = "check.csv", "new-warnings.csv"
"""Files in ``out/`` that each run replaces."""
INCOMING = "incoming"
FINDINGS_CODE = 1


@dataclass(frozen=True)
class NightlyResult(Result):
    """The result of a nightly run.

    Attributes
    ----------
    root
        The workspace.
    steps
        Ingest, check, refit, warn and report, in this order.
    as_of
        The as-of date; None if the workspace has no transactions.
    remarks
        Notes for the reader, as sentences.
    """

    root: Path
    steps: tuple[Step, ...]
    as_of: date | None
    remarks: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per step: step, state, count, message, output, exit_code, errors."""
        return steps_table(self.steps, self.root)

    @property
    def summary(self) -> pl.DataFrame:
        """Step, state, message and output."""
        return self.frame.select("step", "state", "message", "output")

    @property
    def errors(self) -> tuple[CkmError, ...]:
        """The errors of all steps; equal messages once."""
        return tuple({str(error): error for step in self.steps for error in step.errors}.values())

    @property
    def exit_code(self) -> int:
        """The exit code of the run; see :data:`ckm._nightly.step.PRECEDENCE`."""
        return strongest(step.exit_code for step in self.steps)


def nightly(
    source: str | os.PathLike[str] | None = None,
    *,
    as_of: date | None = None,
    fail_on: str | None = None,
    seed: int = 0,
    wait: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> NightlyResult:
    """Load new files, check the data, refit old definitions, list new warnings, and report on a complete month.

    The store's lock is held from the first step to the last. A failed step is in the result with its error, and the
    next steps run. A step that has nothing to do is ``unchanged``, so a second run, or the run after a killed one,
    runs only the remaining steps.

    Parameters
    ----------
    source
        The folder of a workspace. Default: the workspace around the current folder.
    as_of
        Last day that the analyses use. Default: the newest usual day of the transactions.
    fail_on
        ``error`` or ``warning``: a finding of this severity or a higher one gives the exit code 1. Default: none does.
    seed
        Random seed.
    wait
        Seconds to wait for another writer of the store. Default: no limit.
    progress
        Called with the name of each step.

    Raises
    ------
    UsageError
        There is no workspace, or its ``ckm.yaml`` is invalid.
    BusyError
        Another writer holds the store for longer than ``wait``.
    DamagedStoreError
        The store has files that cannot be read.

    Examples
    --------
    >>> nightly("shop").exit_code  # doctest: +SKIP
    """
    severity = None if fail_on is None else Severity(fail_on)
    workspace = open_workspace(None if source is None else Path(source))
    with Store(workspace.store_dir, wait=wait).held():
        return _Run(workspace, as_of, severity, seed).result(progress or (lambda _: None))


class _Run:
    """One nightly run, while the store's lock is held."""

    def __init__(self, workspace: Workspace, as_of: date | None, fail_on: Severity | None, seed: int) -> None:
        self.workspace = workspace
        self.given = as_of
        self.fail_on = fail_on
        self.seed = seed
        self.remarks: list[str] = []

    def result(self, progress: Callable[[str], None]) -> NightlyResult:
        """Run all steps."""
        progress("ingest")
        steps = [attempt("ingest", self.ingest)]
        dataset, error = caught(lambda: open_dataset(self.workspace.root, by_customer=True))
        if dataset is None:  # the tables cannot be read: no later step can run
            assert error is not None
            broken = Step("check", State.failed, str(error), errors=(error,), exit_code=error.exit_code)
            return NightlyResult(self.workspace.root, (*steps, broken), None, tuple(self.remarks))
        self.remarks += dataset.remarks
        progress("check")
        steps.append(attempt("check", lambda: self.check(dataset)))
        days, error = caught(lambda: self._days(dataset))
        works = (("refit", self.refit), ("warn", self.warn), ("report", self.report))
        for name, work in works:
            progress(name)
            if days is None:
                assert error is not None
                steps.append(Step(name, State.failed, str(error), errors=(error,), exit_code=error.exit_code))
            else:
                steps.append(attempt(name, lambda work=work: work(dataset, *days)))  # type: ignore[misc]
        return NightlyResult(self.workspace.root, tuple(steps), days[1] if days else None, tuple(self.remarks))

    def _days(self, dataset: Dataset) -> tuple[date, date]:
        """Return the first day with a purchase or a return, and the as-of date."""
        dataset = dataset.known_on(self.given)
        config = self.workspace.config
        ledger = cached_ledger(
            {**dataset.tables, TRANSACTIONS: dataset.transactions},
            find_cache(dataset),
            as_of=self.given,
            time_zone=config.time_zone,
            needs=NEEDS,
            keep_stray_dates=config.keeps_stray_dates,
        )
        return ledger.first_and_last_day[0], ledger.as_of

    def ingest(self) -> Step:
        """Load the files in ``incoming/``."""
        paths = list(dict.fromkeys(self._incoming()))
        if not paths:
            return Step("ingest", State.unchanged, f"no file in {INCOMING}/")
        loaded, error = caught(lambda: ingest(self.workspace.root, *paths))
        if loaded is None:  # no mapping can be read, or the only file does not fit
            assert error is not None
            name = paths[0].relative_to(self.workspace.root).as_posix()
            message = f"1 file: 1 failed ({name})" if len(paths) == 1 else str(error)
            return Step("ingest", State.failed, message, errors=(error,), exit_code=error.exit_code)
        self.remarks += loaded.notes
        errors = tuple(each.error for each in loaded.files if each.error is not None)
        for each in loaded.failed:
            assert each.error is not None
            each.error.details.setdefault("file", each.file)
        any_loaded = any(each.status is Status.loaded for each in loaded.files)
        return Step(
            "ingest",
            State.failed if errors else State.done if any_loaded else State.unchanged,
            _loads_sentence(loaded),
            count=sum(each.accepted + each.updated for each in loaded.files if each.status is Status.loaded),
            errors=errors,
            exit_code=exit_code_of_files(errors, done=len(errors) < len(loaded.files)),
        )

    def _incoming(self) -> Iterator[Path]:
        """Yield the files in ``incoming/``, and the files in its sub-folders that match a mapping."""
        folder = self.workspace.root / INCOMING
        if not folder.is_dir():
            return
        with suppress(UsageError):  # it has no file
            yield from files_in(folder).files
        for mapping in workspace_mappings(self.workspace):
            yield from (path for path in files_of(mapping, self.workspace.root) if path.is_relative_to(folder))

    def check(self, dataset: Dataset) -> Step:
        """Check the data and write the findings to ``out/``."""
        as_of = [] if self.given is None else ["--as-of", f"{self.given}"]
        run = self._begun("check", as_of, FINDINGS, seed=None)
        found = check(dataset, as_of=self.given)
        counts = ", ".join(counted(found.count(level), level) for level in Severity)
        reached = self.fail_on is not None and found.reaches(self.fail_on)
        return Step(
            "check",
            State.done,
            counts,
            count=len(found.findings),
            output=self._written(FINDINGS, found.save, run),
            exit_code=FINDINGS_CODE if reached else 0,
        )

    def refit(self, dataset: Dataset, first: date, as_of: date) -> Step:
        """Refit the saved segment definitions that are too old."""
        limit = self.workspace.config.nightly.refit_after
        if limit is None:
            return Step("refit", State.unchanged, "switched off in ckm.yaml: nightly.refit_after")
        library, done, errors = Library(self.workspace.root / "segments"), list[str](), list[CkmError]()
        names = sorted(path.stem for path in library.folder.glob("*.yaml"))
        for name in names:
            version, error = caught(lambda name=name: self._refitted(dataset, library, name, as_of, limit))  # type: ignore[misc]
            done += [f"{name} (version {version})"] if version else []
            errors += [error] if error else []
        message = f"refitted {', '.join(done)}" if done else f"{counted(len(names), 'definition')}, none to refit"
        return Step(
            "refit",
            State.failed if errors else State.done if done else State.unchanged,
            message if not errors else f"{message}; {counted(len(errors), 'definition')} failed",
            count=len(done),
            errors=tuple(errors),
            exit_code=strongest(error.exit_code for error in errors),
        )

    def _refitted(self, dataset: Dataset, library: Library, name: str, as_of: date, limit: int) -> int:
        """Return the new version of a definition; 0 if it is not to be refitted."""
        saved = library.load(name)
        if saved.definition.method not in FITTED_METHODS or as_of - saved.as_of < timedelta(limit):
            return 0
        request = SegmentOptions(use=name, refit=True, as_of=self.given, seed=self.seed)
        return segment_dataset(dataset, request, self.workspace.config).definition.version

    def warn(self, dataset: Dataset, first: date, as_of: date) -> Step:
        """List the warnings that are new since the last run of an earlier day."""
        inputs = warning_inputs(self.workspace, as_of=self.given, seed=self.seed)
        if recorded_inputs(self.workspace) == inputs and (self.workspace.out_dir / WARNINGS).is_file():
            return Step("warn", State.unchanged, f"no new data since the last run, as of {as_of}")
        # `repeat`: if a run was killed after it had saved its warnings, the next run lists the same warnings.
        request = ChurnOptions(as_of=self.given, new_only=True, repeat=True, seed=self.seed)
        found = warn(dataset, request, self.workspace.config)
        output = self._written(WARNINGS, found.save)
        record_inputs(self.workspace, inputs)
        listed = found.frame.height
        shortened = found.forecast.horizon.shortened
        message = f"{counted(listed, 'new or worse warning')} as of {found.as_of}" + (
            f"; {shortened}" if shortened else ""
        )
        return Step("warn", State.done, message, count=listed, output=output)

    def report(self, dataset: Dataset, first: date, as_of: date) -> Step:
        """Write the report on the last complete month, unless its file exists."""
        ends = as_of.replace(day=1) - timedelta(1)
        month = f"{ends:%Y-%m}"
        if first > ends:
            return Step("report", State.unchanged, f"no complete month before {as_of}")
        name, settings = f"loyalty-{month}.html", self.workspace.config.nightly
        if (self.workspace.out_dir / name).is_file():
            return Step("report", State.unchanged, f"the report of {month} was written before")
        words, lang = load_words(settings.report_lang), settings.report_lang
        arguments = ["--period", f"{settings.report_months}mo", "--as-of", f"{ends}"]
        arguments += ["--lang", lang] if lang != "en" else []
        arguments += ["--seed", str(self.seed)] if self.seed else []
        run = self._begun("loyalty-report", arguments, name, seed=self.seed)
        request = LoyaltyOptions(as_of=ends, months=settings.report_months, seed=self.seed)
        made = loyalty_report(dataset, request, self.workspace.config)
        document = loyalty_document(made.report, lang, run=run.manifest.run)
        page = render_page(document, words.page_words())
        output = self._written(name, lambda path: _write_text(path, page), run)
        return Step("report", State.done, f"wrote the report of {month}", count=1, output=output)

    def _begun(self, command: str, arguments: list[str], name: str, *, seed: int | None) -> Begun:
        """Return the run of the command that writes the same bytes to a file in ``out/``.

        ``arguments`` are those of :func:`ckm.commands.recording.record_runs`: in the order of the command's options,
        without defaults.
        """
        outputs = {"output": self.workspace.out_dir / name}
        return begin(self.workspace.root, command, arguments, seed=seed, named=(), outputs=outputs)

    def _written(self, name: str, write: Callable[[Path], object], run: Begun | None = None) -> str:
        """Write a file in ``out/`` with the manifest of its run, and return its path relative to the workspace."""
        path = self.workspace.out_dir / name
        write(path)
        if run is not None:
            finish(run, [path.resolve()])
        return path.relative_to(self.workspace.root).as_posix()


def _write_text(path: Path, text: str) -> None:
    with replacing(path, shared=True) as draft:  # the report has no customer
        draft.write_text(text, encoding="utf-8", newline="\n")


def _loads_sentence(loaded: IngestResult) -> str:
    by_status = {status: [each for each in loaded.files if each.status is status] for status in Status}
    parts = [f"{len(files)} {status}" for status, files in by_status.items() if files]
    new = by_status[Status.loaded]
    rows = [
        f"{counted(count, 'row')} {what}" for what in ("accepted", "updated", "quarantined")
        if (count := sum(getattr(each, what) for each in new))
    ]  # fmt: skip
    failed = sorted({each.file for each in by_status[Status.failed]})
    sentence = f"{counted(len(loaded.files), 'file')}: {', '.join(parts)}"
    sentence += f" ({', '.join(failed)})" if failed else ""
    return sentence + (f"; {', '.join(rows)}" if rows else "")
