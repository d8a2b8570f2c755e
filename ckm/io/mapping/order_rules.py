"""Apply the order rules of a mapping: order-level columns, statuses, order amounts and refunds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.errors import UsageError
from ckm.io.mapping.expressions import exactly
from ckm.io.mapping.known_orders import BEFORE, KNOWN, times_before
from ckm.io.mapping.mapping import FromColumn, sources_of
from ckm.io.mapping.order_amounts import CUT, ORDER, RETURNED, adjusted, as_returns, with_counts
from ckm.io.mapping.order_status import meanings_of
from ckm.io.mapping.return_sign import returned_net
from ckm.io.mapping.stored_amounts import STORED_AMOUNTS, needed_amounts, with_stored_amounts
from ckm.remark import doubt
from ckm.schema import ORDER_AMOUNTS
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.io.mapping.known_orders import KnownOrders
    from ckm.io.mapping.mapping import Mapping, StatusRule

ROW, MEANING = "\x00line", "\x00meaning"
NOT_KEPT = ("gross", "refund", "refunded_at", *ORDER_AMOUNTS)
"""Columns of amounts that are dropped after they are spread over the lines."""
UNKNOWN_STATUS = "status|vocabulary"
NO_FIRST_LINE = "row|first_line_missing"


class OrderLines(NamedTuple):
    """Rows of a table, made from records by order rules.

    Attributes
    ----------
    typed
        Values by target.
    broken
        For each violated rule, a mask of the rows that violate it.
    origin
        Per row, the position of its record.
    """

    typed: dict[str, pl.Series]
    broken: list[tuple[str, pl.Series]]
    origin: pl.Series


@dataclass(frozen=True)
class OrderRules:
    """Rules for order lines, applied after their columns are parsed.

    Attributes
    ----------
    order
        The source column with the order number; None if each line can be processed alone.
    level
        Source columns of the whole order, which are blank on all lines but the first.
    stated_once
        Columns of ``level``, of which the first line of an order always fills one. If all are blank in a record and no
        earlier line of the order fills one, the first line of the order is missing from the file.
    status
        See :class:`ckm.io.mapping.mapping.Mapping`.
    amounts
        Order amounts that the mapping fills.
    refunds
        Whether a column contains refunded amounts.
    by_status
        Whether only the status shows refunds: without a column of refunded amounts, the whole order counts as refunded.
    numbered
        Whether the source numbers an order's lines.
    of_sales
        Whether the rows are transactions; in other tables a status only excludes records.
    counts
        Counts over all records so far.
    known
        Function from order numbers to what the store has of these orders, one row per order (:data:`KNOWN`,
        ``cancelled`` and :data:`BEFORE`). A page of an export can have further lines of an order but not the first one.
    """

    order: str | None = None
    level: tuple[str, ...] = ()
    stated_once: tuple[str, ...] = ()
    status: tuple[StatusRule, ...] = ()
    amounts: tuple[str, ...] = ()
    refunds: bool = False
    by_status: bool = False
    numbered: bool = True
    of_sales: bool = True
    counts: Counter[str] = field(default_factory=Counter, compare=False)
    known: KnownOrders | None = field(default=None, compare=False)

    @classmethod
    def of(cls, mapping: Mapping) -> OrderRules | None:
        """Return the rules of a mapping; None if it has no order rules.

        Raises
        ------
        UsageError
            The rules need the lines of an order together, and no column has the order number.
        """
        amounts = tuple(name for name in ORDER_AMOUNTS if name in mapping.columns)
        grouped = bool(amounts or mapping.order_level or mapping.whole_orders)
        refunds = bool({"refund", "order_refund"} & mapping.columns.keys())
        by_status = not refunds and any("refunded" in rule.words.values() for rule in mapping.status)
        if mapping.table != "transactions":
            return cls(status=mapping.status, of_sales=False) if mapping.status else None
        if not (grouped or refunds or mapping.status):
            return None
        order = mapping.columns.get("order_id")
        if grouped and not isinstance(order, FromColumn):
            raise UsageError(
                f"mapping {mapping.name}: amounts and columns of a whole order need its number",
                hint="fill order_id from a column",
            )
        stated = {rule.source for rule in mapping.status if rule.blank is None}.union(
            *(sources_of(mapping.columns.get(name)) for name in ("currency", *amounts))
        )
        return cls(
            order=order.source if grouped and isinstance(order, FromColumn) else None,
            level=mapping.order_level,
            stated_once=tuple(name for name in mapping.order_level if name in stated),
            status=mapping.status,
            amounts=amounts,
            refunds=refunds or by_status,
            by_status=by_status,
            numbered="line_no" in mapping.columns,
        )

    @property
    def is_number_blank(self) -> bool:
        """Whether the order number, too, is blank on all lines of an order but the first."""
        return self.order is not None and self.order in self.level

    @property
    def has_refund_amounts(self) -> bool:
        """Whether records contain refunded amounts."""
        return self.refunds and not self.by_status

    @property
    def fills(self) -> frozenset[str]:
        """Columns of the schema that order rules fill even if the mapping does not name them."""
        numbers = {"line_no"} if self.order is not None and not self.numbered else set()
        discount = {"discount", STORED_AMOUNTS} if self.amounts or self.refunds else set()
        return frozenset(numbers | discount | ({"dated_by"} if self.refunds else set()))

    def carried(self, records: pl.DataFrame) -> pl.DataFrame:
        """Return records with the order-level columns filled on all lines of an order."""
        if not self.level or self.order is None:
            return records
        order = _order_key(exactly(self.order))
        return records.with_columns(
            value.forward_fill().over(order).fill_null(value.drop_nulls().first().over(order)).alias(name)
            for name in self.level
            for value in (_filled(exactly(name), records.schema[name]),)
        )

    def applied(
        self, typed: dict[str, pl.Series], broken: list[tuple[str, pl.Series]], records: pl.DataFrame
    ) -> OrderLines:
        """Return the rows of records: adjusted, without ignored records, and with refunds as additional rows.

        Parameters
        ----------
        typed
            Values per record, by target.
        broken
            For each violated rule, a mask of the records that violate it.
        records
            The parsed records, with the order's columns filled on all lines.
        """
        meaning, unknown, paid_out = meanings_of(records, self.status)
        self.counts["paid_out"] += paid_out
        if not self.of_sales:
            origin = meaning.ne_missing("ignore").arg_true()
            self.counts["ignored"] += records.height - len(origin)
            kept = {name: values.gather(origin) for name, values in typed.items()}
            return OrderLines(kept, [(rule, mask.gather(origin)) for rule, mask in broken], origin)
        broken = [*broken, (UNKNOWN_STATUS, unknown)]
        lines = pl.DataFrame(list(typed.values())).with_columns(meaning.alias(MEANING)).with_row_index(ROW)
        if self.stated_once:
            is_stated = (_filled(exactly(name), records.schema[name]).is_not_null() for name in self.stated_once)
            lines, alone = self._completed(lines, records.select(~pl.any_horizontal(is_stated)).to_series())
            broken.append((NO_FIRST_LINE, alone))
        lines = _with_types(lines)
        if self.order is not None and not self.numbered:
            lines = lines.with_columns(_line_numbers(lines).alias("line_no"))
        if self.amounts or self.refunds:
            is_refunded = (pl.col(MEANING) == "refunded") & pl.lit(self.by_status)
            lines = adjusted(with_stored_amounts(_grouped(lines), is_refunded))
            lines = lines.with_columns(pl.when(is_refunded).then("net").otherwise(RETURNED).alias(RETURNED))
            lines = lines.with_columns(needed_amounts())
            self.counts["cut"] += lines.filter(pl.col(CUT) < 1)[ORDER].n_unique()
            if self.refunds and "dated_by" not in lines.columns:
                lines = lines.with_columns(pl.lit(None, dtype=pl.String).alias("dated_by"))
            lines = pl.concat([lines, self._returns(lines, broken)], how="diagonal")
        lines = lines.filter(pl.col(MEANING).ne_missing("ignore"))
        self._count(lines, records.height)
        origin = lines[ROW]
        names = [*typed, *sorted(self.fills - typed.keys())]
        return OrderLines(
            {name: lines[name] for name in names if name not in NOT_KEPT},
            [(rule, mask.gather(origin)) for rule, mask in broken],
            origin,
        )

    def remarks(self) -> list[str]:
        """Return remarks on all records so far."""
        named = ", ".join(f"'{source}'" for source in dict.fromkeys(rule.source for rule in self.status))
        remarks: list[str] = []
        if ignored := self.counts["ignored"]:
            what = "sales" if self.of_sales else "rows to load"
            paid_out = self.counts["paid_out"]
            outgoing = f"including {counted(paid_out, 'outgoing payment')} that no status marks as a refund"
            text = f"{counted(ignored, 'record')} left out: no {what} by their status ({named})"
            remarks.append(f"{text}, {outgoing}" if paid_out else text)
        if cancelled := self.counts["cancelled"]:
            rows = counted(cancelled, "row", "is", "are")
            remarks.append(f"{rows} of orders with the status cancelled, failed or voided: no purchases")
        if completed := self.counts["completed"]:
            rows = counted(completed, "row")
            remarks.append(f"{rows} with further lines of known orders, whose first lines are in an earlier file")
        if cut := self.counts["cut"]:
            remarks.append(
                doubt(
                    f"{counted(cut, 'order')} with more goods than the lines in this file: the next page may have the "
                    "rest; until it is loaded, an order's discount counts in proportion to the lines in this file"
                )
            )
        if returns := self.counts["returns"]:
            undated = self.counts["undated"]
            when = "each with its date" if not undated else f"{undated:,} without a date, on the day of the order"
            if self.by_status:
                when += "; by the status alone, so each order is assumed to be refunded in full"
            remarks.append(f"{counted(returns, 'row', 'is a refund', 'are refunds')}, {when}")
        return remarks

    def _completed(self, lines: pl.DataFrame, alone: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Fill the order-level columns of lines whose first line is not in the file, from known orders.

        ``alone`` is the mask of these lines. Return all lines, and a mask of the lines whose order is unknown.
        """
        if self.known is None or not alone.any():
            return lines, alone
        found = self.known(lines["order_id"].filter(alone).drop_nulls().unique().to_list())
        joined = lines.select("order_id").join(found, on="order_id", how="left", maintain_order="left")
        shared = [name for name in KNOWN[1:] if name in found.columns and name in lines.columns]
        filled = lines.with_columns(
            lines[name].zip_with(~alone | lines[name].is_not_null(), joined[name]) for name in shared
        )
        is_cancelled = alone & joined["cancelled"].fill_null(value=False)
        meaning = filled[MEANING].zip_with(~is_cancelled, pl.Series(["cancel"]).new_from_index(0, lines.height))
        known = joined["cancelled"].is_not_null()
        self.counts["completed"] += int((alone & known).sum())
        return filled.with_columns(meaning.alias(MEANING), times_before(joined, filled)), alone & ~known

    def _returns(self, lines: pl.DataFrame, broken: list[tuple[str, pl.Series]]) -> pl.DataFrame:
        """Return a return row for each line's refunded amount; lines that failed validation get none."""
        unfit = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.height)
        for _, mask in broken:
            unfit = unfit | mask.fill_null(value=False)
        paid_back = (pl.col(RETURNED) > 0) & (pl.col("type") != "cancel") & (pl.col("type") != "return")
        returns = lines.filter(paid_back & ~pl.lit(unfit) & pl.col(MEANING).ne_missing("ignore"))
        when = pl.col("refunded_at") if "refunded_at" in lines.columns else pl.lit(None, dtype=pl.Datetime("us", "UTC"))
        if self.order is not None and "refunded_at" in lines.columns:
            when = when.drop_nulls().first().over(ORDER)
        self.counts["returns"] += returns.height
        self.counts["undated"] += int(returns.with_columns(when.is_null().alias(MEANING))[MEANING].sum())
        return as_returns(returns, when)

    def _count(self, lines: pl.DataFrame, records: int) -> None:
        self.counts["ignored"] += records - lines[ROW].n_unique()
        self.counts["cancelled"] += int((lines[MEANING] == "cancel").sum())


def _with_types(lines: pl.DataFrame) -> pl.DataFrame:
    """Set the type of each line to the meaning of its status."""
    is_return, is_cancelled = pl.col(MEANING) == "return", pl.col(MEANING) == "cancel"
    kind = pl.when(is_return | is_cancelled).then(MEANING).otherwise("type")
    net = pl.when(is_return).then(returned_net(is_return)).otherwise("net")
    # Some systems write no price and no currency for cancelled orders.
    net = pl.when(is_cancelled).then(net.fill_null(0.0)).otherwise(net)
    currency = pl.col("currency").cast(pl.String)
    common = currency.drop_nulls().mode().sort().first()
    currency = pl.when(is_cancelled).then(currency.fill_null(common)).otherwise(currency)
    return lines.with_columns(
        kind.alias("type"), net.alias("net"), currency.cast(lines.schema["currency"]).alias("currency")
    )


def _line_numbers(lines: pl.DataFrame) -> pl.Expr:
    """Return line numbers within an order: the product, and the number of earlier lines with the product.

    So a line has the same number if an export has only some lines of the order, or the lines in another sequence.
    """
    product = pl.col("product_id") if "product_id" in lines.columns else pl.lit(None, dtype=pl.String)
    nth = pl.int_range(1, pl.len() + 1).over("order_id", product.fill_null(""))
    nth += pl.col(BEFORE) if BEFORE in lines.columns else 0
    repeat = pl.when(nth > 1).then(pl.concat_str(pl.lit("#"), nth.cast(pl.String))).otherwise(pl.lit(""))
    return pl.when(product.is_null()).then(nth.cast(pl.String)).otherwise(pl.concat_str(product, repeat))


def _grouped(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines with ``ORDER`` (a number per order) and ``COUNTS`` (whether amounts are spread over the line)."""
    key = pl.coalesce("order_id", pl.concat_str(pl.lit("\x00"), pl.col(ROW)))
    lines = lines.with_columns(key.rank("dense").alias(ORDER))
    sale = ~pl.col("type").is_in(["cancel", "return"]).fill_null(value=False)
    sale &= pl.col(MEANING).ne_missing("ignore")
    return with_counts(lines, sale)


def _order_key(order: pl.Expr) -> pl.Expr:
    return order.cast(pl.String).str.strip_chars()


def _filled(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column in which blank texts are null."""
    return pl.when(column.str.strip_chars() != "").then(column) if dtype == pl.String else column
