"""Fill targets that a file lacks: computed from other targets, or with an assumed value that a remark states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.io.mapping.column_types import UNKNOWN, ColumnShapes
from ckm.io.mapping.mapping import ColumnRule, Constant, Expression, FromColumn, sources_of
from ckm.io.mapping.missing_columns import ORDERED_BY, Suggestions, mapped_columns
from ckm.io.mapping.source_currencies import marks_in_names
from ckm.io.values.vocabulary import currencies_of
from ckm.remark import assumption
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence

    from ckm.schema import TableSchema

LINE_VALUE = Expression("quantity * unit_price")
"""Net of an order line with quantity and unit price."""
TYPE_BY_SIGN = Expression("CASE WHEN net < 0 THEN 'return' ELSE 'sale' END")
"""Default type of a transaction: a negative net is a return."""

NO_CURRENCY_COLUMN = "no currency column"


def complete(
    rules: dict[str, ColumnRule],
    table: TableSchema,
    default_currency: str,
    columns: Sequence[str],
    shapes: ColumnShapes = UNKNOWN,
) -> tuple[dict[str, ColumnRule], list[str]]:
    """Add computed values and assumptions for missing columns, and return remarks on them.

    ``columns`` are the source columns, and ``shapes`` their value types.
    """
    added: dict[str, ColumnRule] = {}
    assumed: list[str] = []
    needed = set(table.required) - set(rules)
    if "order_id" in needed and (order := order_of(rules, table, columns, shapes)):
        added["order_id"] = order
        assumed.append(assumption("no order number: lines of a customer with the same timestamp are one order"))
    if "net" in needed and "gross" in rules:
        less = " - COALESCE(ABS(discount), 0)" if "discount" in rules else ""
        added["net"] = Expression(f"COALESCE(gross, 0){less}")
    elif "net" in needed and {"quantity", "unit_price"} <= set(rules):
        added["net"] = LINE_VALUE
        before = ", before the discount" if "discount" in rules else ""
        assumed.append(f"net is quantity × unit_price{before}")
    elif "net" in needed and "unit_price" in rules and table.name == "transactions":
        added["net"] = Expression("unit_price")
        assumed.append("net is unit_price: no column of quantities, so each row is one unit")
    elif "net" in needed and {"order_net", "order_gross"} & set(rules):
        added["net"] = Constant("0")  # an order-level discount is spread over the lines
    if "currency" in needed:
        added["currency"], remark = _currency_of(rules, default_currency)
        assumed.append(remark)
    if "type" in needed and table.name == "transactions":
        added["type"] = TYPE_BY_SIGN
        assumed.append("no type column: a negative net is a return, any other a sale")
    return {**rules, **added}, assumed


def _currency_of(rules: AnyMapping[str, ColumnRule], default: str) -> tuple[Constant, str]:
    """Return the currency of a file without a currency column, and the remark on it.

    It is the one in the names of its amount columns, if these state one currency, else ``default``.
    """
    marks = {mark for target, rule in rules.items() for mark in marks_in_names(target, sources_of(rule))}
    stated = {currency for mark in marks for currency in currencies_of(mark)}
    if len(stated) == 1:
        return Constant(currency := stated.pop()), f"currency {currency}, by the names of the columns of amounts"
    return Constant(default), f"{NO_CURRENCY_COLUMN}: every amount is in {default}"


def without_amounts(rules: dict[str, ColumnRule], assumed: list[str]) -> tuple[dict[str, ColumnRule], list[str]]:
    """Return the rules for a source without amounts, and remarks: each row counts 1, a return -1, without currency."""
    sign = "type = 'return'" if isinstance(rules.get("type"), FromColumn) else "quantity < 0"
    known = isinstance(rules.get("type"), FromColumn) or "quantity" in rules
    one: ColumnRule = Expression(f"CASE WHEN {sign} THEN -1 ELSE 1 END") if known else Constant("1")
    remarks = [each for each in assumed if not each.startswith(NO_CURRENCY_COLUMN)]
    remarks.append("no column of amounts; name it with --column net=COLUMN")
    return {**rules, "net": one, "currency": Constant(NO_CURRENCY)}, remarks


def order_of(
    rules: AnyMapping[str, ColumnRule], table: TableSchema, columns: Sequence[str], shapes: ColumnShapes
) -> Expression | None:
    """Return the expression that derives an order id from customer and timestamp, for files without order numbers.

    None if customer or timestamp is missing, or if an unmapped column may contain order numbers, which the user must
    then confirm.
    """
    order = _customer_and_time(rules)
    if order is None or Suggestions(table, columns, rules, shapes, named=True).of("order_id"):
        return None
    return order


def _customer_and_time(rules: AnyMapping[str, ColumnRule]) -> Expression | None:
    sources = mapped_columns(rules, ORDERED_BY)
    if len(sources) < len(ORDERED_BY):
        return None
    quoted = (source.replace('"', '""') for source in sources)
    who, when = (f"COALESCE(CAST(\"{source}\" AS VARCHAR), '')" for source in quoted)
    return Expression(f"{who} || ' ' || {when}")


def is_assumed_order(rules: AnyMapping[str, ColumnRule]) -> bool:
    """Return whether the order id is derived by :func:`order_of`."""
    return "order_id" in rules and rules["order_id"] == _customer_and_time(rules)
