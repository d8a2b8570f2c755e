"""Match the columns of a file to the columns of a table by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import AmbiguousError, UnknownNameError
from ckm.io.mapping.shown_columns import unknown_column
from ckm.io.mapping.source_currencies import name_without_currency
from ckm.io.mapping.source_zones import name_without_zone
from ckm.io.mapping.synonyms import exports, in_another_unit, normalise, synonyms
from ckm.io.values.amounts import MONEY
from ckm.schema import TABLES, VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence

    from ckm.io.mapping.column_types import ColumnShapes
    from ckm.schema import TableSchema


MAY_LOSE = {"invoice_id": ("synonym",), "member_id": ("synonym", "name")}
"""Optional targets that lose their column to a required one which has none, by the way in which it was matched."""


def checked_overrides(
    overrides: AnyMapping[str, str], table: str, columns: Sequence[str], *, named: bool
) -> AnyMapping[str, str]:
    """Validate the user's columns (``--column TARGET=SOURCE``).

    Raises
    ------
    UnknownNameError
        The target or the column is unknown.
    """
    for target, source in overrides.items():
        if target not in TABLES[table].fillable:
            raise UnknownNameError(f"column of {table}:", target, TABLES[table].fillable, where="--column")
        if source not in columns:
            raise unknown_column(source, columns, named=named, where=f"--column {target}=…")
    return overrides


class NameMatcher:
    """Assign each target at most one source column, and each source column at most one target.

    Attributes
    ----------
    chosen
        Per target the column, and how the column was matched; see :class:`ckm.io.mapping.proposal.Proposal`.
    wordless
        Pairs of a target with fixed values, and a column that matches its name but has none of these values.
    is_export
        Whether the file has the columns of a known export.
    """

    def __init__(self, table: TableSchema, columns: list[str], shapes: ColumnShapes, *, named: bool) -> None:
        self.table = table
        self.shapes = shapes
        self.wordless: list[tuple[str, str]] = []
        self.named = named
        self.columns = columns
        self.columns_by_name: dict[str, list[str]] = {}
        for column in columns:
            self.columns_by_name.setdefault(normalise(column), []).append(column)
        for column in columns:  # "Order date (UTC+7)" matches like "Order date", unless the file has that column too
            if (name := name_without_zone(column)) != column and name not in columns:
                self.columns_by_name.setdefault(normalise(name), []).append(column)
        self.amounts_by_name: dict[str, list[str]] = {}
        for column in columns:  # "Amount (USD)" matches like "Amount" where an amount is looked for
            if (name := name_without_currency(column)) != column and normalise(name) not in self.columns_by_name:
                self.amounts_by_name.setdefault(normalise(name), []).append(column)
        self.known = synonyms(table.name)
        self.chosen: dict[str, tuple[str, str]] = {}
        self.fixed: set[str] = set()
        self.is_export = False

    def apply_overrides(self, overrides: AnyMapping[str, str]) -> None:
        """Assign the columns that the user named."""
        checked = checked_overrides(overrides, self.table.name, self.columns, named=self.named)
        for target, source in checked.items():
            self.chosen[target] = (source, "option")
            self.fixed.add(target)

    def match_export(self) -> None:
        """Assign the columns of the first export whose signature the file has; other targets stay without a column."""
        names = {name: columns[0] for name, columns in self.columns_by_name.items()}
        for export in exports():
            if export.table != self.table.name or not export.signature <= names.keys():
                continue
            for target, wanted in export.columns.items():
                found = [names[name] for name in wanted if name in names and self.is_free(names[name])]
                if target not in self.chosen and found:
                    self.chosen[target] = (found[0], f"export {export.name}")
            # Other columns of such a file (such as order totals in every line) are misread by name matching.
            self.is_export = True
            self.fixed = set(self.table.targets) - {"order_id", "ordered_at", "customer_id"} | set(self.chosen)
            return

    def match_names(self) -> None:
        """Assign columns by synonyms, then by general names, then by names of last resort."""
        for target in self._open():
            self._take(target, self.known.own[target], "synonym")
        for target, tiers in self.known.fallback.items():
            for tier in tiers:
                if target in self._open():
                    self._take(target, tier, "fallback", also_from_optional=True)
        computable = {"net"} if {"quantity", "unit_price"} <= self.chosen.keys() else set()
        for target, tiers in self.known.last_resort.items():
            for tier in tiers:
                if target in set(self._open()) - computable:
                    self._take(target, tier, "fallback")

    def refuse_repeated(self, groups: Sequence[Sequence[str]]) -> None:
        """Refuse a match of a column whose name occurs more than once in the file (``groups``)."""
        for target, (source, how) in self.chosen.items():
            group = next((group for group in groups if source in group), None)
            if group is not None and how != "option":
                both = " and ".join(f"'{column}'" for column in group)
                raise AmbiguousError(
                    f"{len(group)} columns have the name '{group[0]}' and match {target}; they are numbered as {both}",
                    hint=f"choose with --column {target}='{group[0]}'",
                    target=target,
                    columns=list(group),
                )

    def _take(self, target: str, names: frozenset[str], how: str, *, also_from_optional: bool = False) -> None:
        known = {column for name in names for column in self.columns_by_name.get(name, ())}
        if target in MONEY:
            known |= {column for name in names for column in self.amounts_by_name.get(name, ())}
        found = [column for column in self.columns if column in known] if known else []
        if also_from_optional:
            self._release({owner for owner in self.chosen if self._may_lose(owner, found)})
        found = [column for column in found if self.is_free(column) and self._has_words(target, column)]
        if target in MONEY:
            found = [column for column in found if not in_another_unit(column)]
        if not found:
            return
        own = [column for column in found if column == target] or [
            column for column in found if normalise(column) == normalise(target)
        ]
        if len(own) == 1:
            self.chosen[target] = (own[0], "name")
        elif len(found) == 1:
            self.chosen[target] = (found[0], how)
        else:
            both = " and ".join(f"'{column}'" for column in found)
            fit = [column for column in found if self.shapes.fits(target, column, self.table)] or found
            raise AmbiguousError(
                f"{both} all match {target}" if len(found) > 2 else f"{both} both match {target}",
                hint=f"choose with --column {target}='{fit[0]}'",
                target=target,
                columns=found,
            )

    def _has_words(self, target: str, column: str) -> bool:
        """Return whether ``column`` has a fixed value of ``target``; true if the target or the sample has none."""
        if target not in VOCABULARIES or self.shapes.has_words(target, column):
            return True
        self.wordless.append((target, column))
        return False

    def _may_lose(self, owner: str, found: list[str]) -> bool:
        source, how = self.chosen[owner]
        return source in found and how in MAY_LOSE.get(owner, ())

    def _release(self, owners: set[str]) -> None:
        for owner in owners:
            del self.chosen[owner]

    def _open(self) -> list[str]:
        return [target for target in self.table.targets if target not in self.chosen and target not in self.fixed]

    def is_free(self, column: str) -> bool:
        """Return whether no target has ``column`` yet."""
        return all(column != source for source, _ in self.chosen.values())
