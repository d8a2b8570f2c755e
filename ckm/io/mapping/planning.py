"""Determine the conversion of a file before its first row is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError
from ckm.io.mapping.column_types import ColumnShapes
from ckm.io.mapping.computed_columns import complete
from ckm.io.mapping.convert import Conversion, evaluate, name_in_errors, place_of
from ckm.io.mapping.expression_limits import growth_of
from ckm.io.mapping.expressions import column_names, exactly, parse_sql
from ckm.io.mapping.extra_columns import extra_columns
from ckm.io.mapping.mapping import Constant, Expression, FromColumn, FromColumns, sources_of
from ckm.io.mapping.missing_columns import missing_columns
from ckm.io.mapping.order_rules import OrderRules
from ckm.io.mapping.plausible_columns import ID_SUFFIXES, doubts_on_ids, doubts_on_purchases, without_percentages
from ckm.io.mapping.shown_columns import unknown_column
from ckm.io.mapping.source_currencies import marks_in_names
from ckm.io.mapping.source_zones import SourceZones
from ckm.io.values.amounts import MONEY, AmountReader, refuse_other_currencies
from ckm.io.values.booleans import TruthReader
from ckm.io.values.dates import DateStyle
from ckm.io.values.ids import IdReader
from ckm.io.values.numbers import NumberStyle
from ckm.io.values.readers import MOMENT, CachingReader, DateReader, NumberReader, Reader, TextReader
from ckm.io.values.style_detection import StyleDetector
from ckm.io.values.typed_columns import NativeReader, as_text, fits
from ckm.io.values.vocabulary import contract_words, folded

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from collections.abc import Mapping as AnyMapping

    from ckm.io.mapping.expression_limits import Growth
    from ckm.io.mapping.mapping import Mapping, RowRule
    from ckm.io.readers.format import FileFormat
    from ckm.io.values.style_detection import LaterRows, Texts


def plan_conversion(
    mapping: Mapping,
    file: FileFormat,
    sample: pl.DataFrame,
    more: Callable[[], Iterator[pl.DataFrame]],
    *,
    default_zone: str = "UTC",
    default_currency: str = "EUR",
    zone_setting: str | None = None,
) -> Conversion:
    """Determine the conversion of the records of a file to rows of a table.

    Parameters
    ----------
    mapping
        Source of each column of the table.
    file
        The format of the file.
    sample
        First records of the file.
    more
        Iterates all records of the file; called only if the sample leaves a decimal mark or a date order ambiguous.
    default_zone
        Time zone of the days, and of timestamps if neither the mapping nor the file states one.
    default_currency
        Currency of amounts if the mapping has none.
    zone_setting
        Name of the setting or option of ``default_zone``, for a remark if the file states another time zone than UTC.

    Raises
    ------
    UsageError
        A mapped column is missing, a required target is not mapped, or an expression fails.
    AmbiguousError
        The whole file leaves a decimal mark or the date order ambiguous.
    """
    shown, columns = dict(file.shown), file.columns
    rules, assumed = complete(mapping.columns, mapping.target, default_currency, columns, ColumnShapes(sample))
    mapping = replace(mapping, columns=rules)
    if missing := [target for target in mapping.target.required if target not in rules]:
        raise missing_columns(missing, mapping.table, columns, rules, ColumnShapes(sample), named=file.named)
    mapping, left_out = without_percentages(mapping, sample, shown)
    planner = _Planner(mapping, file, sample, more, SourceZones(mapping, sample, default_zone))
    planner.add_shown_currencies(shown)
    return planner.plan([*assumed, *left_out], zone_setting)


class _Planner:
    """Build a Conversion step by step: source columns first, then computed ones."""

    def __init__(
        self,
        mapping: Mapping,
        file: FileFormat,
        sample: pl.DataFrame,
        more: Callable[[], Iterator[pl.DataFrame]],
        zones: SourceZones,
    ) -> None:
        self.mapping = mapping
        self.file = file
        self.columns = file.columns
        self.sample = sample
        self.more = more
        self.zones = zones
        self.targets = mapping.target.fillable
        self.where = name_in_errors(mapping)
        self.styles = StyleDetector(mapping.hints)
        self.styles.from_1904 = file.from_1904
        self.draft = Conversion(mapping, {}, {}, {}, {}, self._words())
        self.growth: dict[str, Growth] = {}

    def _with_row_zones(self, draft: Conversion) -> Conversion:
        """Return a conversion that interprets timestamps without an offset in the time zone of their row."""
        if self.zones.column is None:
            return draft
        local = frozenset(
            target
            for target in draft.inputs
            if _is_local(draft.readers[target]) and self._zone_of(target) == self.zones.zone
        )
        return replace(draft, zone=self.zones.zone, zone_column=self.zones.column, local_times=local)

    def _zone_of(self, target: str) -> str:
        """Return the time zone of those timestamps of a target that have no offset from UTC."""
        return self.zones.of_columns(sources_of(self.mapping.columns[target]))

    def add_shown_currencies(self, shown: AnyMapping[str, tuple[str, ...]]) -> None:
        """Add the currencies in number formats and in column names to the currency signs in texts of amounts."""
        for target, rule in self.mapping.columns.items():
            if target not in MONEY:
                continue
            self.styles.money_marks |= marks_in_names(target, sources_of(rule))
            if not shown:
                continue
            sources: Iterable[str] = sources_of(rule)
            if isinstance(rule, Expression):
                sources = column_names(parse_sql(rule.sql, where=place_of(self.mapping, target, rule)))
            for source in sources:
                self.styles.money_marks.update(shown.get(source, ()))
                self.draft.amount_marks.update(shown.get(source, ()))

    def plan(self, assumed: list[str], zone_setting: str | None) -> Conversion:
        self._check_sources()
        self._plan_columns()
        self._plan_constants()
        for target, rule in self._computing_order().items():
            self._plan_expression(target, rule)
        draft = replace(
            self.draft, extras=extra_columns(self.mapping, self.sample.schema), orders=OrderRules.of(self.mapping)
        )
        draft = self._with_row_zones(draft)
        nothing = self.sample.clear()
        currency = self.mapping.columns.get("currency")
        if isinstance(currency, Constant):
            refuse_other_currencies(self.styles.money_marks, currency.value)
        finished = replace(draft, mapping=replace(self.mapping, rules=())).apply(nothing).frame
        rules = tuple(self._rule(rule, finished, nothing) for rule in self.mapping.rules)
        doubts = [*doubts_on_ids(self.mapping, self.sample), *doubts_on_purchases(self.mapping, self.sample)]
        return replace(
            draft,
            readers={target: _fresh(reader) for target, reader in draft.readers.items()},
            rules=rules,
            decimal=self.styles.decimal,
            date_format=self.styles.date_format,
            remarks=(
                *assumed,
                *self.zones.remarks(zone_setting),
                *self.styles.remarks,
                *doubts,
            ),
        )

    def _words(self) -> dict[str, dict[str, str]]:
        words = {target: dict(contract_words(target)) for target in self.mapping.columns}
        for column, pairs in self.mapping.translate.items():
            words[column] = words.get(column, {}) | folded(pairs.items())
        return {column: pairs for column, pairs in words.items() if pairs}

    def _plan_columns(self) -> None:
        for target, rule in self.mapping.columns.items():
            if isinstance(rule, FromColumns):
                self._plan_several(target, rule)
            if not isinstance(rule, FromColumn):
                continue
            source = self._type_of(rule.source, target)
            wanted = self._dtype(target)
            column = self._of_file(rule.source)
            if rule.source in self.mapping.file_level:
                source = pl.String()
            if not fits(source, wanted):
                column = self._as_text(column, source, rule.source)
            elif source.is_float():
                column = column.fill_nan(None)
            self.draft.inputs[target] = column
            self.draft.readers[target] = self._reader(target, wanted, source)
        self._detect_styles(list(self.draft.inputs), self.draft.inputs_of)

    def _of_file(self, name: str) -> pl.Expr:
        """Return a source column; if it is in ``file_level``, with its first value in every row."""
        column = exactly(name)
        if name not in self.mapping.file_level:
            return column
        texts = self.sample[name].drop_nulls().cast(pl.String)
        first = texts.filter(texts.str.strip_chars() != "").head(1)
        text = column.cast(pl.String)
        is_filled = (text.str.strip_chars() != "").fill_null(value=False)
        return pl.when(is_filled).then(text).otherwise(pl.lit(first.item())) if len(first) else text

    def _plan_several(self, target: str, rule: FromColumns) -> None:
        """Plan a target that combines several columns: as text, unless all columns have the type of the target."""
        types = [self._type_of(name, target) for name in rule.sources]
        wanted = self._dtype(target)
        native = rule.how == "first" and len(set(types)) == 1 and fits(types[0], wanted)
        columns = [
            exactly(name) if native else self._as_text(exactly(name), dtype, name)
            for name, dtype in zip(rule.sources, types, strict=True)
        ]
        if not native:
            columns = [pl.when(column.str.strip_chars() != "").then(column) for column in columns]
        joined = pl.concat_str(columns, separator=" ", ignore_nulls=True)
        self.draft.inputs[target] = pl.coalesce(columns) if rule.how == "first" else pl.when(joined != "").then(joined)
        self.draft.readers[target] = self._reader(target, wanted, types[0] if native else pl.String())

    def _type_of(self, source: str, target: str) -> pl.DataType:
        if source not in self.columns:
            raise self._unknown(source, f"{self.where}, {target}")
        if source in self.file.nested:
            raise self._not_single(source)
        return self.sample.schema[source]

    def _check_sources(self) -> None:
        """Refuse a mapping whose ``order_level``, ``status``, ``drop`` or ``minor_units`` names a missing column."""
        status = [name for rule in self.mapping.status for name in rule.sources]
        named = {"order_level": self.mapping.order_level, "status": status, "drop": self.mapping.drop}
        for key, columns in named.items():
            for name in columns:
                if name not in self.columns:
                    raise self._unknown(name, f"{self.where}, {key}")
        for target in self.mapping.minor_units:
            if target not in self.mapping.columns:
                raise UsageError(f"{self.where}: 'minor_units' names '{target}', which is not mapped")

    def _plan_constants(self) -> None:
        for target, rule in self.mapping.columns.items():
            if isinstance(rule, Constant):
                self.draft.constants[target] = self._constant(target, rule.value)

    def _plan_expression(self, target: str, rule: Expression) -> None:
        where = place_of(self.mapping, target, rule)
        expression = parse_sql(rule.sql, where=where)
        # Expressions can be chained, so that small growth in each would multiply.
        self.growth[target] = growth_of(expression, self.growth, where=where)
        found = self._computed(target, expression, self.sample.clear())
        wanted = self._dtype(target)
        if not fits(found.dtype, wanted):
            expression = self._as_text(expression, found.dtype, target)
        self.draft.readers[target] = self._reader(target, wanted, found.dtype)
        self._detect_styles([target], lambda records: [self._computed(target, expression, records)])
        self.draft.expressions[target] = expression

    def _computed(self, target: str, expression: pl.Expr, records: pl.DataFrame) -> pl.Series:
        typed, _ = self.draft.read(records)
        return self.draft.computed(target, expression, typed, records)

    def _detect_styles(self, targets: list[str], texts: Callable[[pl.DataFrame], list[pl.Series]]) -> None:
        """Set the number and date styles of the readers."""
        numbers, dates = (
            {target: self._name_of(target) for target in targets if isinstance(self.draft.readers[target], kind)}
            for kind in (NumberReader, DateReader)
        )
        if numbers:
            only = _only(numbers, texts)
            native = [target for target in numbers if self._is_native(target)]
            self.styles.detect_numbers(only(self.sample), _each(only, self.more), numbers, native)
        if dates:
            only = _only(dates, texts)
            written = only(self.sample)
            self.styles.detect_dates(written, _each(only, self.more), dates)
            for target, values in written.items():
                if self._dtype(target) == MOMENT:
                    self.zones.count_offsets(values, self.styles.dates[target])
        for target in targets:
            reader = self.draft.readers[target]
            if isinstance(reader, NumberReader):
                self.draft.readers[target] = replace(reader, style=self.styles.numbers[target])
            elif isinstance(reader, DateReader):
                self.draft.readers[target] = replace(reader, style=self.styles.dates[target])

    def _is_native(self, target: str) -> bool:
        """Return whether a target is filled by a column with numeric cells."""
        rule = self.mapping.columns[target]
        return isinstance(rule, FromColumn) and rule.source in self.file.numeric

    def _dtype(self, target: str) -> pl.DataType:
        """Return the schema type of a target; text if it is not in the schema."""
        return self.targets.get(target, pl.String())

    def _as_text(self, column: pl.Expr, source: pl.DataType, name: str) -> pl.Expr:
        try:
            return as_text(column, source)
        except TypeError:
            raise self._not_single(name) from None

    def _not_single(self, name: str) -> UsageError:
        return UsageError(
            f"{self.where}: '{name}' contains lists or records, not single values",
            hint="export the needed field as a column of its own",
        )

    def _reader(self, target: str, wanted: pl.DataType, source: pl.DataType) -> Reader:
        if fits(source, wanted):
            reason = "date" if wanted.is_temporal() else "integer" if wanted.is_integer() else "number"
            if wanted == MOMENT:
                self.zones.add_typed(source)
            return NativeReader(wanted, source, reason, self._zone_of(target))
        if target in MONEY:
            return AmountReader(NumberStyle(), wanted, self.draft.amount_marks)
        if wanted.is_numeric():
            return NumberReader(NumberStyle(), wanted)
        if wanted in (pl.Date, MOMENT):
            return DateReader(DateStyle(), self._zone_of(target), day=wanted == pl.Date)
        if wanted == pl.Boolean:
            return TruthReader()
        if wanted != pl.String:
            raise UsageError(f"{self.where}: '{target}' has the type {wanted}, which cannot be filled from a source")
        nulls = self.mapping.hints.null_values or ()
        return IdReader(nulls=nulls) if target.endswith(ID_SUFFIXES) else TextReader(nulls=nulls)

    def _constant(self, target: str, value: str) -> pl.Series:
        reader = self._reader(target, self._dtype(target), pl.String())
        text = self.draft.translated(pl.Series(target, [value], dtype=pl.String))
        if isinstance(reader, TextReader):
            return text
        typed = reader.careful(text).alias(target)
        if typed.null_count():
            raise UsageError(f"{self.where}: the value of '{target}' is not a valid {reader.reason}")
        return typed

    def _computing_order(self) -> dict[str, Expression]:
        """Return the computed targets in evaluation order."""
        rules = {name: rule for name, rule in self.mapping.columns.items() if isinstance(rule, Expression)}
        reads: dict[str, list[str]] = {}
        for target, rule in rules.items():
            names = column_names(parse_sql(rule.sql, where=place_of(self.mapping, target, rule)))
            self._check_names(target, names)
            reads[target] = [name for name in names if name in rules and name != target]
        ordered: dict[str, Expression] = {}
        while len(ordered) < len(rules):
            ready = [name for name in rules if name not in ordered and ordered.keys() >= set(reads[name])]
            if not ready:
                circle = ", ".join(f"'{name}'" for name in rules if name not in ordered)
                raise UsageError(f"{self.where}: circular expressions: {circle}")
            ordered[ready[0]] = rules[ready[0]]
        return ordered

    def _check_names(self, target: str, names: list[str]) -> None:
        for name in names:
            if name not in self.columns and (name == target or name not in self.mapping.columns):
                raise self._unknown(name, f"{self.where}, expression of {target}", self.mapping.columns)

    def _unknown(self, name: str, where: str, targets: Iterable[str] = ()) -> UsageError:
        return unknown_column(name, self.columns, named=self.file.named, where=where, targets=targets)

    def _rule(self, rule: RowRule, finished: pl.DataFrame, records: pl.DataFrame) -> pl.Expr:
        where = place_of(self.mapping, f"rule {rule.name}", rule)
        expression = parse_sql(rule.sql, where=where)
        for column in column_names(expression):
            if column not in finished.columns and column not in self.columns:
                raise self._unknown(column, where, self.mapping.target.dtypes)
        answer = evaluate(expression, finished, records, where=where)
        if answer.dtype != pl.Boolean:
            raise UsageError(f"{where}: the rule is not true or false", hint="use a comparison, such as net < 1000")
        return expression

    def _name_of(self, target: str) -> str:
        rule = self.mapping.columns[target]
        columns = sources_of(rule)
        return f"column '{columns[0]}'" if columns else f"'{target}'"


def _is_local(reader: Reader) -> bool:
    """Return whether a reader parses timestamps without a time zone."""
    if isinstance(reader, DateReader):
        return not reader.day and not reader.style.zoned
    return isinstance(reader, NativeReader) and reader.dtype == MOMENT and reader.is_local


def _fresh(reader: Reader) -> Reader:
    """Return the reader without the counts of the sample; readers of numbers and dates get a cache of invalid texts."""
    if isinstance(reader, IdReader):
        return IdReader(nulls=reader.nulls)
    return CachingReader(reader) if isinstance(reader, NumberReader | DateReader) else reader


def _only(names: Container[str], texts: Callable[[pl.DataFrame], list[pl.Series]]) -> Callable[[pl.DataFrame], Texts]:
    """Return a function that calls ``texts`` and returns the columns in ``names``, as name to column."""
    return lambda records: {column.name: column for column in texts(records) if column.name in names}


def _each(texts: Callable[[pl.DataFrame], Texts], more: Callable[[], Iterator[pl.DataFrame]]) -> LaterRows:
    """Return a function that reads the file again and yields the texts of each batch."""
    return lambda: map(texts, more())
