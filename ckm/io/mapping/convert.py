"""Convert parsed records to rows of a table; every row is returned, with its conversion errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from polars.exceptions import PanicException, PolarsError

from ckm.io.mapping.expressions import column_names, exactly, unworkable
from ckm.io.mapping.known_orders import known_orders
from ckm.io.mapping.mapping import Constant, Expression, FromColumn
from ckm.io.mapping.order_amounts import in_main_units
from ckm.io.mapping.order_rules import NOT_KEPT
from ckm.io.mapping.return_sign import returned_net
from ckm.io.mapping.whole_orders import by_order
from ckm.io.values.amounts import refuse_other_currencies
from ckm.io.values.ids import IdReader
from ckm.io.values.readers import complete_reading
from ckm.io.values.vocabulary import translate
from ckm.io.values.zones import in_row_zones
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ckm.io.mapping.mapping import Mapping, RowRule
    from ckm.io.mapping.order_rules import OrderRules
    from ckm.io.readers.format import Batch
    from ckm.io.values.readers import Reader

TEXTS = pl.List(pl.String())
ROW = "\x00row"
"""Helper column that gives a frame its height if an expression reads no column; it cannot clash with a file column."""
VALUE = "\x00value"


class Converted(NamedTuple):
    """Converted rows of a table.

    The rows have the number and order of the records, unless the mapping has order rules.

    Attributes
    ----------
    frame
        The schema's columns in order and type, then the mapping's other targets, then unmapped source columns,
        unchanged. A value that could not be parsed is null.
    reasons
        Per row the violated ``column|type`` and ``row|RULE``, List(String); null if there are none.
    flags
        Per row the names of violated rules with action ``flag``, List(String); null if there are none.
    origin
        Per row the position of its record; None if rows and records correspond one to one.
    """

    frame: pl.DataFrame
    reasons: pl.Series
    flags: pl.Series
    origin: pl.Series | None = None


@dataclass(frozen=True)
class Conversion:
    """Conversion of the records of one file: its mapping, and the detected formats.

    :func:`ckm.io.mapping.planning.plan_conversion` returns it; :meth:`apply` converts the records batch by batch.

    Attributes
    ----------
    mapping
        The mapping, with assumptions added.
    inputs
        Per target with a source column, the expression that its reader takes.
    readers
        Per parsed target, its reader.
    constants
        Per constant target, the typed value.
    expressions
        Per computed target, the expression; in evaluation order.
    words
        Per target, the translation of case-folded words.
    extras
        Unmapped source columns that are kept, as expressions with their stored names.
    rules
        Per rule of the mapping, its expression.
    decimal
        The decimal mark of the file; None if no number needs one.
    date_format
        The date format of the file; None without dates.
    remarks
        Assumptions, as sentences.
    amount_marks
        Currency signs, codes and words found with amounts so far.
    orders
        Rules for order lines; None if the mapping has none.
    zone
        Time zone of timestamps without an offset from UTC.
    zone_column
        The source column with the time zone of each row; None if all rows have ``zone``.
    local_times
        The targets whose timestamps have no offset from UTC.
    negated
        Number of returns so far whose positive amount was made negative, by target (``net``).
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
    negated: Counter[str] = field(default_factory=Counter)

    def apply(self, records: pl.DataFrame) -> Converted:
        """Convert records of the file; no row is lost and no value raises an error.

        Raises
        ------
        UsageError
            The texts of amounts have the sign of another currency than the assumed one.
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
        others = (name for name in typed if name not in table.dtypes and name not in NOT_KEPT)
        columns += [typed[name].alias(name) for name in others]
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
        """Return the batches of a file for :meth:`apply`, with each order in one batch if lines are needed together."""
        if self.orders is None:
            return iter(batches)
        return by_order(batches, self.orders.order, blank=self.orders.is_number_blank)

    @property
    def is_by_order(self) -> bool:
        """Return whether all lines of an order must be in one batch."""
        return self.orders is not None and self.orders.order is not None

    def with_known_orders(self, rows: pl.LazyFrame | None, pages: Collection[str] = ()) -> Conversion:
        """Return the conversion with known transactions, which complete orders that a page of an export continues.

        ``rows`` are the transactions of the source, and ``pages`` the files of its last export.
        """
        if self.orders is None or not self.orders.stated_once or rows is None:
            return self
        return replace(self, orders=replace(self.orders, known=known_orders(rows, pages)))

    @property
    def filled(self) -> frozenset[str]:
        """Return the targets that the mapping or the order rules fill."""
        return frozenset(self.mapping.columns) | (self.orders.fills if self.orders is not None else frozenset())

    def cleaning_remarks(self) -> list[str]:
        """Return remarks on orders, returns and cleaned ids, for all records that have been converted."""
        remarks = self.orders.remarks() if self.orders is not None else []
        if count := self.negated["net"]:
            remarks.append(f"{counted(count, 'return')} with a positive amount: stored as negative")
        for target, reader in self.readers.items():
            if isinstance(reader, IdReader):
                rule = self.mapping.columns.get(target)
                remarks += reader.remarks(f"column '{rule.source}'" if isinstance(rule, FromColumn) else f"'{target}'")
        return remarks

    def read(self, records: pl.DataFrame) -> tuple[dict[str, pl.Series], list[tuple[str, pl.Series]]]:
        """Return the typed targets in the mapping's order, and a mask of rows for each violated ``column|type``."""
        typed: dict[str, pl.Series] = {}
        broken: list[tuple[str, pl.Series]] = []
        inputs = _frame(self.inputs_of(records))
        quick = self._read_quickly(inputs)
        for target in self.inputs:
            self._complete(target, inputs[target], quick[target], typed, broken)
            if self.zone_column is not None and target in self.local_times:
                typed[target] = in_row_zones(typed[target], records[self.zone_column], self.zone)
        typed |= {target: value.new_from_index(0, records.height) for target, value in self.constants.items()}
        self._scale(self.mapping.minor_units, typed)
        for target, expression in self.expressions.items():
            value = self.computed(target, expression, typed, records)
            self._complete(target, value, self._read_quickly(value.to_frame())[target], typed, broken)
            self._scale([target] if target in self.mapping.minor_units else [], typed)
        if self.mapping.guest_ids and "customer_id" in typed:
            typed["customer_id"] = _without_guests(typed["customer_id"], self.mapping.guest_ids)
        self._negate_returns(typed)
        return {target: typed[target] for target in self.mapping.columns if target in typed}, broken

    def _negate_returns(self, typed: dict[str, pl.Series]) -> None:
        """Make positive amounts of returns negative."""
        if not {"net", "type"} <= typed.keys() or not ((typed["type"] == "return") & (typed["net"] > 0)).any():
            return
        order = typed.get("order_id", pl.Series([None], dtype=pl.String).new_from_index(0, len(typed["net"])))
        lines = pl.DataFrame([typed["net"].alias("net"), typed["type"].alias("type"), order.alias("order_id")])
        is_return = pl.col("type") == "return"
        net = lines.select(pl.when(is_return).then(returned_net(is_return)).otherwise("net").alias("net"))["net"]
        self.negated["net"] += int(((typed["net"] > 0) & (net < 0)).sum())
        typed["net"] = net

    def _scale(self, targets: Iterable[str], typed: dict[str, pl.Series]) -> None:
        """Convert amounts from minor units (cents) to the main currency unit."""
        for target in targets:
            if target in typed:
                amounts = pl.DataFrame([typed[target].alias("amount"), typed["currency"].alias("currency")])
                scaled = in_main_units(pl.col("amount"), pl.col("currency"))
                typed[target] = amounts.select(scaled.alias(target)).to_series()

    def _read_quickly(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Return the targets parsed by the fast path of their readers.

        Lazily, because only lazy polars evaluates common subexpressions once.
        """
        quick = (self.readers[name].quick(exactly(name)).alias(name) for name in texts.columns)
        return texts.lazy().select(quick).collect()

    def inputs_of(self, records: pl.DataFrame) -> list[pl.Series]:
        """Return the mapped source columns under their target names, translated but not yet parsed."""
        inputs = records.select(column.alias(target) for target, column in self.inputs.items())
        return [self.translated(column) for column in inputs]

    def computed(
        self, target: str, expression: pl.Expr, typed: dict[str, pl.Series], records: pl.DataFrame
    ) -> pl.Series:
        """Return the result of an expression, translated but not yet parsed."""
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
        """Return a column with words translated by the schema and the mapping."""
        words = self.words.get(column.name)
        return translate(column, words) if words and column.dtype == pl.String else column


def name_in_errors(mapping: Mapping) -> str:
    """Return the name of a mapping in errors."""
    return f"mapping {mapping.name}" if mapping.name else "mapping"


def place_of(mapping: Mapping, name: str, rule: Expression | RowRule | None) -> str:
    """Return the location of an expression for errors: file and line, else the mapping; then the target ``name``."""
    return f"{(rule and rule.where) or name_in_errors(mapping)}, {name}"


def evaluate(expression: pl.Expr, typed: pl.DataFrame, records: pl.DataFrame, *, where: str) -> pl.Series:
    """Return the value of an expression per row; names are typed columns, or else columns of the records.

    Raises
    ------
    UsageError
        polars cannot compute the expression, whose location is ``where``.
    """
    height = pl.int_range(records.height, eager=True).alias(ROW)
    columns = [typed[name] if name in typed.columns else records[name] for name in column_names(expression)]
    # `with_columns` repeats a constant for every row, `select` does not.
    try:
        return pl.DataFrame([height, *columns]).with_columns(expression.alias(VALUE))[VALUE]
    except (PolarsError, PanicException) as error:
        raise unworkable(where, error, records.height) from None


def _frame(columns: Iterable[pl.Series]) -> pl.DataFrame:
    """Return columns of equal height as a frame; without columns, an empty frame."""
    return pl.DataFrame(list(columns))


def _without_guests(ids: pl.Series, guests: Iterable[str]) -> pl.Series:
    """Return ids with null for the ids of ``guests``."""
    nobody = ids.str.to_lowercase().is_in([guest.strip().lower() for guest in guests]).fill_null(value=False)
    return ids.set(nobody, None) if nobody.any() else ids


def _empty(name: str, dtype: pl.DataType, height: int) -> pl.Series:
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, height)


def _per_row(masks: list[tuple[str, pl.Series]], height: int) -> pl.Series:
    """Return, per row, the names of the masks that are true in the row; null if none is."""
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
