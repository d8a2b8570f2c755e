"""Run all checks that apply to each table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.calendar_gaps import calendar, channels
from ckm.check.checked_table import DAY, CheckedTable, prepare
from ckm.check.completeness import completeness, emptied
from ckm.check.controls import controls as check_controls
from ckm.check.controls_file import CONTROLS
from ckm.check.duplicate_sales import same_sales
from ckm.check.findings import CHECKS, CheckReport, Finding, Skipped
from ckm.check.freshness import freshness, future, newest, stray_dates
from ckm.check.group_size import group_size
from ckm.check.guest_ids import guest_ids
from ckm.check.limits import CheckLimits
from ckm.check.linked_customers import COLUMNS, linked_customers, unknown_links
from ckm.check.money import currencies, signs
from ckm.check.order_findings import cut_orders, partial_orders, undated_returns
from ckm.check.outliers import outliers
from ckm.check.payments import payment_findings, reconcile
from ckm.check.quarantine import quarantine as check_quarantine
from ckm.check.references import REFERENCES, no_customer, references
from ckm.check.retention import retention
from ckm.check.schema_rules import contract
from ckm.check.table_statistics import TableCounts, measure
from ckm.check.uniqueness import duplicates, uniqueness
from ckm.errors import InputError, NotEnoughDataError
from ckm.schema import TABLES
from ckm.time_zones import parse_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from ckm._privacy.retention import Expiry


@dataclass(frozen=True)
class _Check:
    """A check of one table: its function, and the required columns."""

    name: str
    judge: Callable[[TableCounts, CheckLimits], Iterator[Finding]]
    tables: tuple[str, ...] | None = None
    needs: tuple[str, ...] = ()
    contracted: bool = False
    dated: bool = False


_SALES = ("transactions",)
_CHECKS = (
    _Check("completeness", completeness),
    _Check("emptied", emptied, contracted=True, dated=True),
    _Check("contract", contract, contracted=True),
    _Check("uniqueness", uniqueness, contracted=True),
    _Check("duplicates", duplicates),
    _Check("no_customer", no_customer, tables=_SALES),
    _Check("guest_ids", guest_ids, tables=_SALES, needs=("customer_id",), dated=True),
    _Check("stray_dates", stray_dates, contracted=True, dated=True),
    _Check("outliers", outliers, tables=_SALES, needs=("net",)),
    _Check("calendar", calendar, tables=_SALES, dated=True),
    _Check("channels", channels, tables=_SALES, needs=("channel",), dated=True),
    _Check("same_sales", same_sales, tables=_SALES, needs=("source", "order_id", "type", "net"), dated=True),
    _Check("undated_returns", undated_returns, tables=_SALES, needs=("type", "net", "dated_by")),
    _Check("signs", signs, tables=_SALES, needs=("type", "net")),
    _Check("currencies", currencies, tables=_SALES, needs=("currency",)),
)


class _Run:
    """Checks that ran, findings and skipped checks so far."""

    def __init__(self, limits: CheckLimits) -> None:
        self.limits = limits
        self.findings: list[Finding] = []
        self.ran: list[tuple[str, str]] = []
        self.skipped: list[Skipped] = []

    def make(self, check: str, table: str, findings: Iterable[Finding], *, lacks: str | None = None) -> None:
        """Add the findings of a check; a check that is disabled or ``lacks`` a requirement is skipped."""
        if check in self.limits.skip:
            self.skipped.append(Skipped(check, table, "switched off in ckm.yaml: check.skip"))
        elif lacks:
            self.skipped.append(Skipped(check, table, lacks))
        else:
            self.ran.append((check, table))
            self.findings.extend(findings)


def check_tables(
    tables: Mapping[str, pl.LazyFrame],
    *,
    quarantine: pl.LazyFrame | None = None,
    controls: pl.DataFrame | None = None,
    payments: pl.LazyFrame | None = None,
    merged: Mapping[str, int] | None = None,
    unknown_ids: int = 0,
    expired: Callable[[date], Iterable[Expiry]] | None = None,
    limits: CheckLimits | None = None,
    as_of: date | None = None,
    time_zone: str = "UTC",
    keep_stray_dates: bool = False,
) -> CheckReport:
    """Check every table; the function behind ``ckm check``.

    Rows are counted in streaming passes over the lazy frames; only the search for duplicates holds
    one 64-bit hash per row.

    Parameters
    ----------
    tables
        Tables by name; those of :mod:`ckm.schema` get every check, others completeness and duplicates.
    quarantine
        The store's table of rejected rows (``table``, ``reasons``); None without a store.
    controls
        Control totals from :func:`ckm.check.read_controls`.
    payments
        Transactions of payment sources; None if none is declared.
    merged
        Number of partial orders by file, which were merged with stored lines; None without a store.
    unknown_ids
        Number of ids in ``identities.csv`` that no table has.
    expired
        Returns the rows as of a day that are older than ``privacy.retention`` allows; None without a maximum age.
    limits
        Thresholds; the defaults when None.
    as_of
        Rows with a later date are excluded. None excludes no row; the report's as-of date is then the last usual day of
        the transactions, and freshness is measured from the last usual day of all tables.
    time_zone
        Time zone of days and months, from ckm.yaml.
    keep_stray_dates
        Whether rows with outlying dates are included; otherwise they set neither the as-of date nor the calendar range.

    Raises
    ------
    NotEnoughDataError
        There are no tables.
    UsageError
        The time zone is unknown.
    InputError
        ``controls`` or ``quarantine`` lack a column.
    """
    parse_time_zone(time_zone)
    _need_columns("controls", controls, CONTROLS)
    _need_columns("quarantine", quarantine, ("table", "reasons"))
    if not tables:
        raise NotEnoughDataError(
            "no table to check", hint="load a file first: ckm ingest FILE --as transactions", tables=0
        )
    run = _Run(limits or CheckLimits())
    subjects = {name: prepare(name, tables[name], as_of=as_of, time_zone=time_zone) for name in sorted(tables)}
    measured = {
        name: measure(
            subject,
            spreads="outliers" not in run.limits.skip,
            repeats=not {"uniqueness", "duplicates"} <= set(run.limits.skip),
            keep_stray_dates=keep_stray_dates,
        )
        for name, subject in subjects.items()
    }
    for counts in measured.values():
        _check_alone(run, counts)
    _check_references(run, measured)
    _check_links(run, tables, payments, unknown_ids)
    _check_groups(run, subjects)
    days = {name: day for name, counts in measured.items() if (day := newest(counts)) is not None}
    later = _check_dates(run, measured, as_of or max(days.values(), default=None), given=as_of)
    _check_controls(run, measured, controls, as_of)
    _check_quarantine(run, measured, quarantine)
    _check_orders(run, measured, payments, merged, as_of=as_of, time_zone=time_zone)
    day = as_of or days.get("transactions") or max(days.values(), default=None)
    lacks = "no maximum age in ckm.yaml: privacy.retention" if expired is None else None if day else "no date"
    run.make("retention", "transactions", retention(expired(day), day) if expired and day else (), lacks=lacks)
    return CheckReport(
        findings=tuple(sorted(run.findings, key=lambda finding: finding.order)),
        as_of=day,
        rows={name: counts.rows for name, counts in measured.items()},
        later=later,
        ran=tuple(sorted(run.ran, key=_by_table)),
        skipped=tuple(sorted(run.skipped, key=lambda skipped: _by_table((skipped.check, skipped.table)))),
    )


def _need_columns(name: str, frame: pl.DataFrame | pl.LazyFrame | None, columns: Iterable[str]) -> None:
    there = () if frame is None else frame.lazy().collect_schema().names()
    if frame is not None and (missing := [column for column in columns if column not in there]):
        raise InputError(
            f"{name}: no column '{missing[0]}'", hint=f"existing columns: {', '.join(there)}", column=missing[0]
        )


def _by_table(case: tuple[str, str]) -> tuple[str, int]:
    check, table = case
    return table, list(CHECKS).index(check)


def _check_alone(run: _Run, counts: TableCounts) -> None:
    """Run the checks that need no other table."""
    subject = counts.subject
    for check in _CHECKS:
        if check.tables is not None and subject.name not in check.tables:
            continue
        if check.contracted and subject.name not in TABLES:
            continue
        lacks = next((reason for name in check.needs if (reason := subject.lacks(name))), None)
        if check.name == "no_customer" and not subject.has("customer_id"):
            lacks = "no column 'customer_id'"
        if check.dated and not subject.dated_by:
            lacks = "no column with a date"
        if counts.rows == 0 and check.name != "completeness":
            lacks = "the table has no rows"
        if check.name == "stray_dates" and counts.keep_stray_dates:
            lacks = "switched off in ckm.yaml: stray_dates"
        run.make(check.name, subject.name, check.judge(counts, run.limits), lacks=lacks)


def _check_links(
    run: _Run, tables: Mapping[str, pl.LazyFrame], payments: pl.LazyFrame | None, unknown_ids: int
) -> None:
    """Check whether the customers of several sources are linked, and whether all ids of the links are known."""
    every = {**tables, **({"payments": payments} if payments is not None else {})}
    suitable = {name: rows for name, rows in every.items() if set(COLUMNS) <= set(rows.collect_schema())}
    if "transactions" in tables:
        lacks = None if suitable else "no table with the columns 'customer_id' and 'source'"
        sources = linked_customers(suitable) if suitable else ()
        run.make("linked_customers", "transactions", chain(sources, unknown_links(unknown_ids)), lacks=lacks)


def _check_groups(run: _Run, subjects: Mapping[str, CheckedTable]) -> None:
    """Check the size of groups of customers with equal quasi-identifiers."""
    for name in ("customers", "transactions"):
        if name in subjects:
            declared = run.limits.quasi_identifiers
            has_any = any(subjects[name].has(column) for column in declared)
            lacks = "no column is declared in ckm.yaml: privacy.quasi_identifiers" if not declared else None
            lacks = lacks or (None if has_any else "no declared column")
            run.make("group_size", name, group_size(name, subjects[name].frame, run.limits), lacks=lacks)


def _check_references(run: _Run, measured: Mapping[str, TableCounts]) -> None:
    customers = measured.get("customers")
    for name, columns in REFERENCES.items():
        if name not in measured:
            continue
        missing = [column for column in columns if not measured[name].subject.has(column)]
        lacks = None
        if customers is None or not customers.rows or not customers.subject.has("customer_id"):
            lacks = "no table customers"
        elif missing:
            lacks = f"no column '{missing[0]}'"
        known = customers.subject if customers else measured[name].subject
        found = (references(measured[name], column, known, run.limits) for column in columns)
        run.make("references", name, chain.from_iterable(found), lacks=lacks)


def _check_dates(
    run: _Run, measured: Mapping[str, TableCounts], today: date | None, *, given: date | None
) -> dict[str, int]:
    """Check freshness and future rows; return the number of rows after the given as-of date, by table."""
    later = {}
    for name, counts in measured.items():
        if not counts.subject.dated_by or today is None:
            continue
        limited = name in run.limits.freshness or name == "transactions"
        lacks = None if limited else f"no limit for {name} in ckm.yaml: freshness"
        run.make("freshness", name, freshness(counts, today, run.limits), lacks=lacks)
        if given is None:
            run.make("future", name, (), lacks="no --as-of")
            continue
        after = counts.subject.whole.select((pl.col(DAY) > given).sum().cast(pl.Int64))
        if count := int(after.collect(engine="streaming").item() or 0):
            later[name] = count
        off = "switched off in ckm.yaml: check.future" if run.limits.future == "off" else None
        run.make("future", name, future(name, count, given, run.limits), lacks=off)
    return later


def _check_controls(
    run: _Run, measured: Mapping[str, TableCounts], controls: pl.DataFrame | None, as_of: date | None
) -> None:
    if controls is None:
        if "transactions" in measured:
            run.make("controls", "transactions", (), lacks="no controls.csv")
        return
    for name in controls["table"].unique().sort():
        counts = measured.get(name)
        if counts is None:
            counts = measure(_absent(name))
        run.make("controls", name, check_controls(counts, controls, run.limits, as_of=as_of))


def _absent(name: str) -> CheckedTable:
    """Return an empty table, so that every control total of a table that is not in the store is reported."""
    return prepare(name, pl.LazyFrame(schema={"source": pl.String}), as_of=None, time_zone="UTC")


def _check_orders(
    run: _Run,
    measured: Mapping[str, TableCounts],
    payments: pl.LazyFrame | None,
    merged: Mapping[str, int] | None,
    *,
    as_of: date | None,
    time_zone: str,
) -> None:
    """Reconcile payments with orders, and check partial orders."""
    sales = measured.get("transactions")
    if sales is None:
        return
    if payments is None:
        run.make("payments", "transactions", (), lacks="no source is declared in ckm.yaml: payments")
    elif "payments" in run.limits.skip:
        run.make("payments", "transactions", ())
    else:
        found = reconcile(sales.subject.whole, payments, as_of=as_of, time_zone=time_zone)
        run.make("payments", "transactions", payment_findings(found))
    partial = [*partial_orders(merged or {}), *cut_orders(sales.subject)]
    lacks = "no store" if merged is None and not partial else None
    run.make("partial_orders", "transactions", partial, lacks=lacks)


def _check_quarantine(run: _Run, measured: Mapping[str, TableCounts], quarantine: pl.LazyFrame | None) -> None:
    loaded = {name: counts.rows for name, counts in measured.items()}
    refused = [] if quarantine is None else list(check_quarantine(quarantine, loaded, run.limits))
    for name in sorted({*loaded, *(finding.table for finding in refused)}):
        mine = (finding for finding in refused if finding.table == name)
        run.make("quarantine", name, mine, lacks="no store" if quarantine is None else None)
