"""Restrict the mapping of a platform to the columns of one file, with the column names of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.io.mapping.mapping import ColumnRule, Expression, FromColumn, FromColumns, Mapping, StatusRule
from ckm.io.mapping.sql_text import outside_quotes, quoted_names, with_names, with_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as AnyMapping


@dataclass(frozen=True)
class FileColumns:
    """Columns of a platform that a file has.

    Attributes
    ----------
    names
        Column name in the description of the platform to column name in the file.
    """

    names: AnyMapping[str, str]

    def mapping(self, given: Mapping) -> Mapping:
        """Return the platform's mapping with the column names of the file, without rules for missing columns."""
        columns = {target: found for target, rule in given.columns.items() if (found := self._rule(rule))}
        columns = _without_absent_targets(columns, given)
        return replace(
            given,
            columns=columns,
            translate={self.names.get(column, column): words for column, words in given.translate.items()},
            drop=self._present(given.drop),
            order_level=self._present(given.order_level),
            status=tuple(
                self._status(rule) for rule in given.status if all(name in self.names for name in rule.sources)
            ),
            minor_units=tuple(target for target in given.minor_units if target in columns),
            aside=self._present(given.aside),
            file_level=self._present(given.file_level),
            time_zone_column=self.names.get(given.time_zone_column or ""),
        )

    def _status(self, rule: StatusRule) -> StatusRule:
        below, above = (self.names.get(name or "") for name in (rule.below_zero, rule.above_zero))
        return replace(rule, source=self.names[rule.source], below_zero=below, above_zero=above)

    def _present(self, columns: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.names[column] for column in columns if column in self.names)

    def _rule(self, rule: ColumnRule) -> ColumnRule | None:
        match rule:
            case FromColumn(source):
                return FromColumn(self.names[source]) if source in self.names else None
            case FromColumns(sources, how):
                here = self._present(sources)
                return (FromColumn(here[0]) if len(here) == 1 else FromColumns(here, how)) if here else None
            case Expression(sql, where):
                named = quoted_names(sql)
                if named and not any(name in self.names for name in named):
                    return None
                return Expression(self._renamed(sql), where)
        return rule

    def _renamed(self, sql: str) -> str:
        """Return an expression with the column names of the file; missing columns are null."""

        def in_file(name: str) -> str:
            here = self.names.get(name)
            return "CAST(NULL AS VARCHAR)" if here is None else '"' + here.replace('"', '""') + '"'

        return with_names(sql, in_file)


def _without_absent_targets(columns: dict[str, ColumnRule], given: Mapping) -> dict[str, ColumnRule]:
    """Return rules with expressions in which unmapped targets are null."""
    absent = [target for target in given.columns if target not in columns]
    if not absent:
        return columns
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, absent))})\b")
    return {
        target: Expression(with_words(rule.sql, word, "CAST(NULL AS DOUBLE)"), rule.where)
        if isinstance(rule, Expression) and word.search(outside_quotes(rule.sql))
        else rule
        for target, rule in columns.items()
    }
