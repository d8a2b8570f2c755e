"""Segmentation of customers with saved definitions and segment changes; the functions behind ``ckm segment``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm._segment.apply import apply_definition, definition_needs, read_for
from ckm._segment.definition import Detail
from ckm._segment.learn import segment_customers
from ckm._segment.library import EarlierRun, Library, keep, last_run
from ckm._segment.lifecycle.definition import LifecycleDefinition
from ckm._segment.lifecycle.flows import lifecycle_flows
from ckm._segment.methods import find_method
from ckm._segment.monetary import Monetary
from ckm._segment.moves import Moves, explain_moves
from ckm._segment.partitions import segment_partitions, with_rows
from ckm._segment.result import Segmentation, segmented
from ckm._segment.rules.definition import load_rules
from ckm._segment.tables import definition_table
from ckm.customers.features import needs_of
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.errors import NotEnoughDataError, UsageError
from ckm.files import path_of
from ckm.partitions.engine import IN_MEMORY, Engine, EngineName
from ckm.partitions.partitioned_ledger import PartitionedLedger, Reading
from ckm.remark import warning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from ckm._segment.definition import Definition
    from ckm._segment.definition_file import SavedDefinition
    from ckm._segment.rfm.names import NameTable
    from ckm.config import Config
    from ckm.customers.ledger import Ledger
    from ckm.customers.ledger_needs import Needs
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.store import Store

__all__ = [
    "SegmentOptions",
    "Segmentation",
    "apply_definition",
    "segment",
    "segment_customers",
    "segment_dataset",
    "segment_history",
]

DEFAULT_NAME = "default"
"""Name of the RFM definition; definitions of other methods have the name of the method."""


@dataclass(frozen=True)
class SegmentOptions:
    """Options of a segmentation.

    Attributes
    ----------
    by
        A method, or a file of rules; None means that of ``use``, else rfm.
    as_of
        As-of date; None means the newest usual day.
    names
        Names for the scores of rfm; None means those of the definition, or else the usual ones.
    monetary
        Monetary value; None means that of the definition, else net over all time.
    use
        Name or file of a definition to apply unchanged.
    save
        Name under which the fitted definition is saved.
    refit
        Whether to fit the next version of an existing definition.
    moves
        Whether to explain segment changes since the last run.
    since
        Day since which to explain segment changes, instead of the last run.
    details
        Whether to compute slow details too: the monthly active customer flow.
    seed
        Random seed.
    keep
        Whether to save the definition and the run in the workspace.
    wait
        Maximum seconds to wait for another writer of the store; None means no limit.
    cache
        Whether to use and save the workspace's cached ledger; without it the transactions are read.
    engine
        Where the analysis runs.
    rows
        With partitions: a Parquet file (in Spark a folder) to which the rows of customers are written, or whether the
        result has them.
    """

    by: str | Path | None = None
    as_of: date | None = None
    names: NameTable | None = None
    monetary: Monetary | None = None
    use: str | None = None
    save: str | None = None
    refit: bool = False
    moves: bool = False
    since: date | None = None
    details: bool = False
    seed: int = 0
    keep: bool = True
    wait: float | None = None
    cache: bool = True
    engine: Engine = IN_MEMORY
    rows: Path | bool = True

    @property
    def name(self) -> str:
        """Name of the definition."""
        named = self.use or self.save
        if named:
            return named
        if isinstance(self.by, Path):
            return self.by.stem
        return DEFAULT_NAME if self.by in (None, "rfm") else str(self.by)


def segment(
    source: Source = None,
    *,
    by: str | Path | None = None,
    as_of: date | None = None,
    use: str | None = None,
    save: str | None = None,
    refit: bool = False,
    moves: bool = False,
    since: date | None = None,
    details: bool = False,
    seed: int = 0,
    keep: bool = True,
    rows: str | Path | None = None,
    engine: EngineName = "polars",
    partitions: int | Literal["auto"] | None = None,
    master: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Segmentation:
    """Assign every customer a named segment, and explain segment changes.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`.
    by
        ``rfm``, ``value``, ``lifecycle``, ``clusters``, or a file of rules. Default: the method of the definition, or
        else ``rfm``.
    as_of
        As-of date. Default: the newest usual day.
    use
        Name or file of a definition to apply unchanged.
    save
        Name under which the fitted definition is saved.
    refit
        Whether to fit the next version of an existing definition.
    moves, since
        Explain segment changes since the last run, or since this day.
    details
        Whether to compute slow details too.
    seed
        Random seed.
    keep
        Whether to save the definition, the run and the ledger in the workspace.
    rows
        With partitions: a Parquet file (in Spark a folder) to which the rows of customers are written; None returns
        them.
    engine
        ``polars``: this process; ``spark``: the executors of a Spark cluster (docs/explanation/spark.md).
    partitions
        Number of partitions of the customers, one in memory at a time, or ``auto``; None: without partitions, in Spark
        by the number of rows.
    master
        URL of the Spark master; None means that of the Spark configuration, or else all cores of this machine.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        As :func:`segment_dataset`.

    Examples
    --------
    >>> segment("orders.csv", by="value").summary  # doctest: +SKIP
    """
    progress = progress or (lambda _: None)
    progress("reading")
    runs_on = Engine.of(engine, partitions, master)
    dataset = runs_on.dataset(source)
    progress("segmenting")
    request = SegmentOptions(
        by=by,
        as_of=as_of,
        use=use,
        save=save,
        refit=refit,
        moves=moves or since is not None,
        since=since,
        details=details,
        seed=seed,
        keep=keep,
        cache=keep,
        engine=runs_on,
        rows=True if rows is None else path_of(os.fspath(rows)),
    )
    found = segment_dataset(dataset, request, dataset.config)
    return replace(found, remarks=(*dataset.remarks, *found.remarks))


def segment_dataset(dataset: Dataset, request: SegmentOptions, config: Config) -> Segmentation:
    """Segment the customers of a workspace or a file.

    A workspace saves the definition of the first run, applies it unchanged from then on, and saves every run. A file is
    fitted anew each time, unless a definition is given.

    Raises
    ------
    UsageError
        The options contradict each other or the existing definition.
    InputError, NotEnoughDataError
        See :func:`ckm.customers.features.feature_table` and the methods.
    """
    _check(request, dataset)
    library = Library((dataset.workspace.root if dataset.workspace else Path()) / "segments")
    dataset = dataset.known_on(request.as_of)
    tables = {**dataset.tables, "transactions": dataset.transactions}
    cache = find_cache(dataset, enabled=request.cache, keep=request.keep)

    def read(needs: Needs, time_zone: str) -> Ledger | PartitionedLedger:
        if request.engine.is_partitioned:
            return request.engine.ledger(dataset, Reading(request.as_of, time_zone, needs, config.keeps_stray_dates))
        return cached_ledger(
            tables,
            cache,
            as_of=request.as_of,
            time_zone=time_zone,
            needs=needs,
            keep_stray_dates=config.keeps_stray_dates,
        )

    saved = _existing_definition(request, library, in_workspace=dataset.workspace is not None)
    rules = load_rules(request.by) if isinstance(request.by, Path) else None
    if saved is not None and not request.refit and rules in (None, saved.definition):
        _check_options(saved, request)
        ledger = read(definition_needs(saved), saved.time_zone)
        result = apply_definition(
            saved, tables, as_of=request.as_of, time_zone=config.time_zone, settings=config.segment, ledger=ledger
        )
    else:
        ledger, result = _learn(tables, request, config, rules, saved, read)
    if request.details:
        result = _with_flows(result, ledger)
    store = _store(dataset, request.wait)
    customers = tables.get("customers")
    before = _earlier_run(result, ledger, customers, store, request)
    if before is not None:
        moves = _moves(before, result, ledger, tables)
        result = result.since(moves).saying(*moves.remarks)
    if isinstance(ledger, PartitionedLedger) and request.rows is not False:
        result = with_rows(result, ledger, customers, request.rows if isinstance(request.rows, Path) else None)
    if request.keep and _cannot_save(dataset, request):
        result = result.saying(warning("the workspace cannot be written: neither definition nor run was saved"))
    elif request.keep:
        if result.definition is not saved and (store is not None or request.save):
            path = library.save(result.definition, request.name)
            result = result.saying(f"saved the definition as {path}, version {result.definition.version}")
        if store is not None:
            keep(store, result)
    return replace(result, privacy=config.privacy)


def segment_history(source: Source, days: Sequence[date], *, as_of: date | None = None) -> pl.DataFrame:
    """Return the segments of customers on past days, by the definition of the as-of date, which is applied unchanged.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, a table, or a dataset.
    days
        Days up to the as-of date, newest first. Days before the first purchase are left out.
    as_of
        As-of date; None means the newest usual day.

    Returns
    -------
    ``day``, ``customer_id`` and ``segment``; customers without a purchase by the day have no row.
    """
    dataset = IN_MEMORY.dataset(source)
    found = segment(dataset, as_of=as_of, keep=False)
    saved, dataset = found.definition, dataset.known_on(as_of)
    tables = {**dataset.tables, "transactions": dataset.transactions}
    cache = find_cache(dataset, keep=False)
    ledger = read_for(saved, tables, as_of=found.as_of, cache=cache, keep_stray_dates=dataset.config.keeps_stray_dates)
    parts = []
    for day in days:
        try:
            table = definition_table(saved, ledger, tables.get("customers"), as_of=day)
        except NotEnoughDataError:  # no customer had bought yet
            break
        segments = saved.definition.assign(table.frame)["segment"].cast(pl.String)
        parts.append(table.frame.select(pl.lit(day).alias("day"), pl.col("customer_id").cast(pl.String), segments))
    schema = {"day": pl.Date, "customer_id": pl.String, "segment": pl.String}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _cannot_save(dataset: Dataset, request: SegmentOptions) -> bool:
    """Return whether the workspace is read-only and no option asks for a write."""
    wants_write = bool(request.save) or request.refit
    return dataset.workspace is not None and not dataset.workspace.writable and not wants_write


def _store(dataset: Dataset, wait: float | None) -> Store | None:
    if dataset.workspace is None:
        return None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    return Store(dataset.workspace.store_dir, wait=wait)


def _check(request: SegmentOptions, dataset: Dataset) -> None:
    if request.use and request.save:
        raise UsageError("--use and --save contradict each other", hint="--use applies a definition, --save fits one")
    if request.use and isinstance(request.by, Path):
        raise UsageError("--use and a file of rules contradict each other", hint="choose one")
    if request.refit and dataset.workspace is None and not (request.use or request.save):
        raise UsageError("--refit needs a definition to refit", hint="name it: --use NAME")
    if request.moves and request.since is None and dataset.workspace is None:
        raise UsageError(
            "--moves compares saved runs of a workspace, and this is a file", hint="name a day: --since DATE"
        )


def _existing_definition(request: SegmentOptions, library: Library, *, in_workspace: bool) -> SavedDefinition | None:
    if request.use:
        return library.load(request.use)
    if request.save:
        found = library.find(request.save)
        if found is not None and not request.refit:
            raise UsageError(
                f"{library.path(request.save)} exists already",
                hint=f"--use {request.save} applies it; --refit fits its next version",
            )
        return found
    return library.find(request.name) if in_workspace else None


def _check_options(saved: SavedDefinition, request: SegmentOptions) -> None:
    """Refuse options that contradict the definition, which is applied unchanged or not at all."""
    method = saved.definition.method

    def refuse(option: str, has: str) -> UsageError:
        return UsageError(
            f"{option} contradicts definition '{saved.name}', which {has}",
            hint="--refit fits its next version with these options; --save NAME fits another definition",
        )

    if isinstance(request.by, str) and request.by != method:
        raise refuse("--by", f"segments by {method}")
    if request.monetary not in (None, saved.monetary):
        raise refuse("--monetary or --window", f"has the monetary value {saved.monetary}")
    if request.names is not None and request.names != getattr(saved.definition, "names", None):
        raise refuse("--rules", "has other names")


def _learn(
    tables: Mapping[str, pl.LazyFrame],
    request: SegmentOptions,
    config: Config,
    rules: Definition | None,
    saved: SavedDefinition | None,
    read: Callable[[Needs, str], Ledger | PartitionedLedger],
) -> tuple[Ledger | PartitionedLedger, Segmentation]:
    by: str | Definition = rules or str(request.by or (saved.definition.method if saved else "rfm"))
    names, monetary = request.names, request.monetary
    if saved is not None:
        monetary = monetary or saved.monetary
        names = names or getattr(saved.definition, "names", None)
    monetary = monetary or Monetary()
    needs = needs_of(find_method(by if isinstance(by, str) else by.method).scope, monetary.money)
    ledger = read(needs, config.time_zone)
    return ledger, segment_customers(
        tables,
        by=by,
        as_of=request.as_of,
        time_zone=config.time_zone,
        monetary=monetary,
        settings=config.segment,
        names=names,
        seed=request.seed,
        name=Path(request.name).stem if request.name.endswith((".yaml", ".yml")) else request.name,
        previous=saved,
        ledger=ledger,
    )


def _with_flows(result: Segmentation, ledger: Ledger | PartitionedLedger) -> Segmentation:
    definition = result.definition.definition
    if not isinstance(definition, LifecycleDefinition):
        return result
    if isinstance(ledger, PartitionedLedger):
        raise UsageError(
            "partitions do not support --details of lifecycle, the monthly active customer flow",
            hint="run without --partitions and --engine, or without --details",
        )
    flows = lifecycle_flows(ledger.as_read_on(result.as_of), definition)
    title = (
        "Active customer flow by month: active = new + retained + reactivated; "
        "active before = retained + no longer active"
    )
    return result.saying(*flows.remarks, details=(Detail(title, flows.frame),))


def _earlier_run(
    result: Segmentation,
    ledger: Ledger | PartitionedLedger,
    customers: pl.LazyFrame | None,
    store: Store | None,
    request: SegmentOptions,
) -> EarlierRun | None:
    """Return the run to compare with: a saved run, or else the same definition on the data of that day."""
    found = last_run(store, result.definition, result.as_of, until=request.since) if store else None
    if found is not None and (request.since is None or found.as_of == request.since):
        return found
    if request.since is not None:
        if request.since >= result.as_of:
            raise UsageError(f"--since {request.since} is not before {result.as_of}", hint="name an earlier day")
        saved = result.definition
        if isinstance(ledger, PartitionedLedger):
            then = segment_partitions(saved, ledger, customers, as_of=request.since, keep=True)[0]
        else:
            then = segmented(saved, definition_table(saved, ledger, customers, as_of=request.since))
        return EarlierRun(request.since, then.kept, saved)
    if request.moves:
        raise NotEnoughDataError(
            f"no earlier run of '{result.definition.name}' was saved", hint="name a day to compare with: --since DATE"
        )
    return None


def _moves(
    before: EarlierRun, result: Segmentation, ledger: Ledger | PartitionedLedger, tables: Mapping[str, pl.LazyFrame]
) -> Moves:
    now = result.kept.with_columns(segment_before=result.kept["segment"])
    if before.definition.version != result.definition.version:
        if isinstance(ledger, PartitionedLedger):
            raise UsageError(
                "partitions do not support segment changes between two versions of a definition",
                hint="run without --partitions and --engine, or with --dry-run and --save NAME",
            )
        table = definition_table(
            before.definition,
            read_for(before.definition, tables, as_of=result.as_of, ledger=ledger),
            tables.get("customers"),
            as_of=result.as_of,
        )
        then = table.frame.select("customer_id").with_columns(
            segment_before=before.definition.definition.assign(table.frame)["segment"]
        )
        now = result.kept.join(then, on="customer_id", how="left", maintain_order="left")
    order = tuple(segment.name for segment in result.definition.definition.segments)
    return explain_moves(before.customers, now, since=before.as_of, order=order)
