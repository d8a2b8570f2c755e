"""From records as read to rows of a table: every row comes out, with the reasons for which it cannot be trusted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from polars.exceptions import PanicException, PolarsError

from ckm.mapping.expressions import column_names, exactly, unworkable
from ckm.mapping.mapping import Constant, Expression, FromColumn
from ckm.mapping.order_amounts import in_main_units
from ckm.mapping.order_rules import NOT_KEPT, known_orders
from ckm.mapping.return_sign import returned_net
from ckm.mapping.whole_orders import by_order
from ckm.values.amounts import refuse_other_currencies
from ckm.values.ids import IdReader
from ckm.values.readers import complete_reading
from ckm.values.vocabulary import translate
from ckm.values.zones import in_own_zones
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ckm.mapping.mapping import Mapping, RowRule
    from ckm.mapping.order_rules import OrderRules
    from ckm.sources.format import Batch
    from ckm.values.readers import Reader

TEXTS = pl.List(pl.String())
ROW = "\x00row"
"""Gives a frame its height where an expression reads no column. No column of a file is called like it."""
VALUE = "\x00value"


class Converted(NamedTuple):
    """Rows of a table.

    As many and in the same order as the records they came from, unless the mapping speaks of orders.

    Attributes
    ----------
    frame
        The contract's columns in their order and types, then the mapping's other targets, then the source columns that
        are mapped to nothing, as they came. A value that could not be read is null.
    reasons
        Per row the broken ``column|type`` and ``row|RULE``, List(String); null where nothing is broken.
    flags
        Per row the names of broken rules that only flag, List(String); null where none is.
    origin
        Per row the position of its record; null where each record became the row in its place.
    """

    frame: pl.DataFrame
    reasons: pl.Series
    flags: pl.Series
    origin: pl.Series | None = None


@dataclass(frozen=True)
class Conversion:
    """How the records of one file become rows: its mapping, and what was found out about the file.

    Made by :meth:`plan`, used by :meth:`apply` on the file's records, piece by piece.

    Attributes
    ----------
    mapping
        Completed by what was assumed.
    inputs
        Per target that a source column fills, that column as its reader takes it.
    readers
        Per target that is read, how.
    constants
        Per target that is the same in every row, its typed value.
    expressions
        Per computed target, its expression, in an order in which they can be computed.
    words
        Per target, what folded words become.
    extras
        Source columns that are kept beside, as expressions under the names they get.
    rules
        Per rule of the mapping, its expression.
    decimal
        The decimal mark of the file; None where no number needed one.
    date_format
        How its dates are written; None without dates.
    remarks
        What was assumed, in sentences.
    amount_marks
        The signs, codes and words that stood beside amounts so far.
    orders
        What is done with the lines of orders; null where the mapping says nothing of them.
    zone
        Of times without one.
    zone_column
        The source column that names the time zone of each row; null where all are of ``zone``.
    local_times
        The targets whose times are written without a zone.
    turned
        Number of returns so far whose positive amount became negative, under ``net``.
    """

    mapping: Mapping
    inputs: dict[str, pl.Expr]
    readers: dict[str, Reader]
    constants: dict[str, pl.Series]
    expressions: dict[str, pl.Expr]
    words: dict[str, dict[str, str]]
    extras: tuple[pl.Expr, ...] = ()
    rules: tuple[pl.Expr, ...] = ()
    decimal: str | None = None
    date_format: str | None = None
    remarks: tuple[str, ...] = ()
    amount_marks: set[str] = field(default_factory=set)
    orders: OrderRules | None = None
    zone: str = "UTC"
    zone_column: str | None = None
    local_times: frozenset[str] = frozenset()
    turned: Counter[str] = field(default_factory=Counter)

    @classmethod
    def plan(
        cls,
        mapping: Mapping,
        columns: Sequence[str],
        sample: pl.DataFrame,
        *,
        more: Callable[[], Iterator[pl.DataFrame]],
        default_zone: str = "UTC",
        default_currency: str = "EUR",
        nested: Collection[str] = (),
        numeric: Collection[str] = (),
        shown: Iterable[tuple[str, tuple[str, ...]]] = (),
        from_1904: bool = False,
        named: bool = True,
    ) -> Conversion:
        """Settle how a file is to be read.

        Parameters
        ----------
        mapping
            Where the columns come from.
        columns
            The source's columns.
        sample
            Its first records, as read.
        more
            Iterates all records of the file; called only when the sample leaves a decimal mark or a date order open.
        default_zone
            Of times without a zone when the mapping names none.
        default_currency
            Of amounts when the mapping names none.
        nested
            Source columns whose texts are lists or records: they are kept beside, and fill no target.
        numeric
            Source columns whose texts are numbers in the file: their decimal mark is the point.
        shown
            What number formats show beside the numbers of source columns; see
            :class:`ckm.sources.format.FileFormat`.
        from_1904
            Whether plain numbers that are days count from 1904.
        named
            Whether the columns' names are surely names, so that errors may show them.

        Raises
        ------
        UsageError
            A mapped column is missing, a required target is not mapped, an expression cannot work.
        AmbiguousError
            Nothing in the whole file settles a decimal mark or the order of day and month.
        """
        from ckm.mapping.planning import plan_conversion

        return plan_conversion(
            mapping,
            columns,
            sample,
            more,
            default_zone,
            default_currency,
            nested,
            numeric,
            shown=dict(shown),
            from_1904=from_1904,
            named=named,
        )

    def apply(self, records: pl.DataFrame) -> Converted:
        """Convert records of the file; no row is lost and no value stops it.

        Raises
        ------
        UsageError
            The amounts are marked as of another currency than all of them are taken for.
        """
        origin = None
        if self.orders is not None:
            records = self.orders.carried(records)
        typed, broken = self.read(records)
        if self.orders is not None:
            typed, broken, origin = self.orders.applied(typed, broken, records)
            records = records[origin]
        currency = self.mapping.columns.get("currency")
        if isinstance(currency, Constant) and self.amount_marks:
            refuse_other_currencies(self.amount_marks, currency.value)
        table = self.mapping.target
        height = records.height
        columns = [
            typed[name].alias(name) if name in typed else _empty(name, dtype, height)
            for name, dtype in table.dtypes.items()
        ]
        beside = (name for name in typed if name not in table.dtypes and name not in NOT_KEPT)
        columns += [typed[name].alias(name) for name in beside]
        columns += [self.translated(column) for column in records.select(self.extras)] if self.extras else []
        frame = pl.DataFrame(columns)
        flags: list[tuple[str, pl.Series]] = []
        for rule, expression in zip(self.mapping.rules, self.rules, strict=True):
            where = place_of(self.mapping, f"rule {rule.name}", rule)
            failed = ~evaluate(expression, frame, records, where=where).fill_null(value=True)
            if rule.action == "flag":
                flags.append((rule.name, failed))
            else:
                broken.append((f"row|{rule.name}", failed))
        return Converted(frame, _per_row(broken, height), _per_row(flags, height), origin)

    def pieces(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Return the pieces of a file as :meth:`apply` takes them: with the lines of an order in one of them."""
        if self.orders is None:
            return iter(batches)
        return by_order(batches, self.orders.order, blank=self.orders.is_number_blank)

    @property
    def is_by_order(self) -> bool:
        """Whether lines of one order must come in one piece."""
        return self.orders is not None and self.orders.order is not None

    def knowing(self, rows: pl.LazyFrame | None, pages: Collection[str] = ()) -> Conversion:
        """Return the conversion with transactions that complete orders of which the file has a part.

        ``pages`` are the files of the export that the transactions came from last.
        """
        if self.orders is None or not self.orders.telling or rows is None:
            return self
        return replace(self, orders=replace(self.orders, known=known_orders(rows, pages)))

    @property
    def filled(self) -> frozenset[str]:
        """The targets that can have values."""
        return frozenset(self.mapping.columns) | (self.orders.fills if self.orders is not None else frozenset())

    def cleaning_remarks(self) -> list[str]:
        """Return sentences on what the ids of all records so far have lost, and what became of their orders."""
        remarks = self.orders.remarks() if self.orders is not None else []
        if count := self.turned["net"]:
            remarks.append(f"{counted(count, 'return')} with a positive amount: stored as negative")
        for target, reader in self.readers.items():
            if isinstance(reader, IdReader):
                rule = self.mapping.columns.get(target)
                remarks += reader.remarks(f"column '{rule.source}'" if isinstance(rule, FromColumn) else f"'{target}'")
        return remarks

    def read(self, records: pl.DataFrame) -> tuple[dict[str, pl.Series], list[tuple[str, pl.Series]]]:
        """Return the typed targets in the mapping's order, and per broken ``column|type`` the rows that break it."""
        typed: dict[str, pl.Series] = {}
        broken: list[tuple[str, pl.Series]] = []
        inputs = _frame(self.inputs_of(records))
        quick = self._read_quickly(inputs)
        for target in self.inputs:
            self._complete(target, inputs[target], quick[target], typed, broken)
            if self.zone_column is not None and target in self.local_times:
                typed[target] = in_own_zones(typed[target], records[self.zone_column], self.zone)
        typed |= {target: value.new_from_index(0, records.height) for target, value in self.constants.items()}
        self._scale(self.mapping.minor_units, typed)
        for target, expression in self.expressions.items():
            value = self.computed(target, expression, typed, records)
            self._complete(target, value, self._read_quickly(value.to_frame())[target], typed, broken)
            self._scale([target] if target in self.mapping.minor_units else [], typed)
        if self.mapping.guest_ids and "customer_id" in typed:
            typed["customer_id"] = _without_guests(typed["customer_id"], self.mapping.guest_ids)
        if isinstance(self.mapping.columns.get("type"), FromColumn) and self.mapping.table == "transactions":
            self._turn_returns(typed)
        return {target: typed[target] for target in self.mapping.columns if target in typed}, broken

    def _turn_returns(self, typed: dict[str, pl.Series]) -> None:
        """Make amounts of returns negative where a column of types names them and the export has them positive."""
        if "net" not in typed or not (typed["type"] == "return").any():
            return
        order = typed.get("order_id", pl.Series([None], dtype=pl.String).new_from_index(0, len(typed["net"])))
        lines = pl.DataFrame([typed["net"].alias("net"), typed["type"].alias("type"), order.alias("order_id")])
        is_return = pl.col("type") == "return"
        net = lines.select(pl.when(is_return).then(returned_net(is_return)).otherwise("net").alias("net"))["net"]
        self.turned["net"] += int(((typed["net"] > 0) & (net < 0)).sum())
        typed["net"] = net

    def _scale(self, targets: Iterable[str], typed: dict[str, pl.Series]) -> None:
        """Make amounts in the smallest unit of their currency amounts in its main unit."""
        for target in targets:
            if target in typed:
                amounts = pl.DataFrame([typed[target].alias("amount"), typed["currency"].alias("currency")])
                scaled = in_main_units(pl.col("amount"), pl.col("currency"))
                typed[target] = amounts.select(scaled.alias(target)).to_series()

    def _read_quickly(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Return targets as the quick way of their readers takes them.

        Lazily, because only then polars evaluates once what an expression names twice: a parsed text that is checked.
        """
        quick = (self.readers[name].quick(exactly(name)).alias(name) for name in texts.columns)
        return texts.lazy().select(quick).collect()

    def inputs_of(self, records: pl.DataFrame) -> list[pl.Series]:
        """Return the source columns that fill targets, under the targets' names, translated but not yet read."""
        inputs = records.select(column.alias(target) for target, column in self.inputs.items())
        return [self.translated(column) for column in inputs]

    def computed(
        self, target: str, expression: pl.Expr, typed: dict[str, pl.Series], records: pl.DataFrame
    ) -> pl.Series:
        """Return what an expression gives, translated but not yet read."""
        rule = self.mapping.columns[target]
        where = place_of(self.mapping, target, rule if isinstance(rule, Expression) else None)
        return self.translated(evaluate(expression, _frame(typed.values()), records, where=where).alias(target))

    def _complete(
        self,
        target: str,
        values: pl.Series,
        quick: pl.Series,
        typed: dict[str, pl.Series],
        broken: list[tuple[str, pl.Series]],
    ) -> None:
        reader = self.readers[target]
        column, failed = complete_reading(values, quick, reader)
        typed[target] = column.alias(target)
        if failed is not None:
            broken.append((f"{target}|{reader.reason}", failed))

    def translated(self, column: pl.Series) -> pl.Series:
        """Return a column with its words replaced by the contract's and the mapping's."""
        words = self.words.get(column.name)
        return translate(column, words) if words and column.dtype == pl.String else column


def called(mapping: Mapping) -> str:
    """Return what a mapping is called in errors."""
    return f"mapping {mapping.name}" if mapping.name else "mapping"


def place_of(mapping: Mapping, name: str, rule: Expression | RowRule | None) -> str:
    """Return where an expression stands, for errors: its line where it has one, and what it fills."""
    return f"{(rule and rule.where) or called(mapping)}, {name}"


def evaluate(expression: pl.Expr, typed: pl.DataFrame, records: pl.DataFrame, *, where: str) -> pl.Series:
    """Return an expression's value per row over typed columns and, under names these leave free, records as read.

    Raises
    ------
    UsageError
        polars cannot compute it; ``where`` says which.
    """
    height = pl.int_range(records.height, eager=True).alias(ROW)
    columns = [typed[name] if name in typed.columns else records[name] for name in column_names(expression)]
    # Beside the others it is repeated for every row where it is one constant, as `select` would not.
    try:
        return pl.DataFrame([height, *columns]).with_columns(expression.alias(VALUE))[VALUE]
    except (PolarsError, PanicException) as error:
        raise unworkable(where, error, records.height) from None


def _frame(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Return columns of one height as a frame; of none it has no rows."""
    return pl.DataFrame(list(columns))


def _without_guests(ids: pl.Series, guests: Iterable[str]) -> pl.Series:
    """Return ids without those that mean nobody."""
    nobody = ids.str.to_lowercase().is_in([guest.strip().lower() for guest in guests]).fill_null(value=False)
    return ids.set(nobody, None) if nobody.any() else ids


def _empty(name: str, dtype: pl.DataType, height: int) -> pl.Series:
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, height)


def _per_row(masks: list[tuple[str, pl.Series]], height: int) -> pl.Series:
    """The names of the masks that are true, per row; null where none is."""
    hits = [
        pl.DataFrame({"row": mask.arg_true()}).with_columns(name=pl.lit(name)) for name, mask in masks if mask.any()
    ]
    if not hits:
        return _empty("", TEXTS, height)
    lists = pl.concat(hits).group_by("row", maintain_order=True).agg("name")
    return (
        _empty("", TEXTS, height)
        .to_frame("names")
        .with_row_index("row")
        .join(lists, on="row", how="left", maintain_order="left")["name"]
        .alias("")
    )
