"""Plans for loading a file: by a mapping, or by its column names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ckm.errors import UnknownNameError, UsageError
from ckm.ingest.options import IngestOptions
from ckm.io.mapping.computed_columns import complete
from ckm.io.mapping.mapping import Constant, Expression, FromColumn
from ckm.io.mapping.name_matching import checked_overrides
from ckm.io.mapping.platforms import NONE, known_platform
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.mapping.shown_columns import shown_columns
from ckm.io.mapping.source_zones import zone_column
from ckm.io.mapping.status_columns import status_remarks, status_rules
from ckm.io.mapping.unmapped_columns import unmapped_columns
from ckm.io.readers.hints import Hints
from ckm.remark import basis, doubt, warning
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from ckm.io.mapping.mapping import ColumnRule, Mapping
    from ckm.io.mapping.platform import Platform
    from ckm.io.readers.format import FileFormat


class Plan(Protocol):
    """Interface of a plan, which gives the mapping for a file."""

    @property
    def table(self) -> str:
        """The target table."""
        ...

    @property
    def hints(self) -> Hints:
        """The format hints for the file."""
        ...

    @property
    def platform(self) -> str | None:
        """The platform that the user named, or ``none``; None means recognition by the columns."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash that is equal for plans with equal results."""
        ...

    def mapping(
        self,
        columns: Sequence[str],
        *,
        named: bool = True,
        repeated: Sequence[Sequence[str]] = (),
        sample: pl.DataFrame | None = None,
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the mapping for a file with these columns, and sentences on matches and assumptions.

        Errors show column names only if ``named``; ``repeated`` has groups of columns with equal names; ``sample``
        has the first records.
        """
        ...


@dataclass(frozen=True)
class MappingPlan:
    """Load by a mapping; options of the command override its hints."""

    given: Mapping

    @property
    def platform(self) -> str:
        """``none``: a mapping defines everything, so no platform is recognised."""
        return NONE

    @property
    def table(self) -> str:
        """The mapping's table."""
        return self.given.table

    @property
    def hints(self) -> Hints:
        """The mapping's hints."""
        return self.given.hints

    @property
    def fingerprint(self) -> str:
        """The mapping's fingerprint."""
        return self.given.fingerprint

    def mapping(
        self,
        columns: Sequence[str],
        *,
        named: bool = True,
        repeated: Sequence[Sequence[str]] = (),
        sample: pl.DataFrame | None = None,
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the mapping itself; ``columns`` is ignored."""
        return self.given, ()


@dataclass(frozen=True)
class NameMatchingPlan:
    """Load by column names, or as the export of a recognised platform.

    The ``source`` of the rows is the name of the platform or else of the table, independent of file names.

    Attributes
    ----------
    table, hints
        See :class:`Plan`.
    overrides
        Target to source column, set by the user.
    currency
        Currency of amounts without a currency column.
    time_zone
        Time zone of timestamps without one; None means that of the workspace.
    amounts_needed
        Whether transactions without an amount column are refused.
    platform
        Platform of the export, or ``none``; None means recognition by the columns.
    blank_currency
        Currency of rows with an empty currency column; None means that validation rejects them.
    """

    table: str
    hints: Hints = Hints()
    overrides: dict[str, str] = field(default_factory=dict)
    currency: str = "EUR"
    time_zone: str | None = None
    amounts_needed: bool = True
    platform: str | None = None
    blank_currency: str | None = None

    @classmethod
    def of(cls, table: str, options: IngestOptions, currency: str) -> NameMatchingPlan:
        """Return the plan for ``table`` and options; ``currency`` is the default if the options have none."""
        return cls(
            table,
            options.hints,
            options.overrides,
            options.currency or currency,
            options.time_zone,
            platform=options.platform,
            blank_currency=options.currency,
        )

    @property
    def fingerprint(self) -> str:
        """Return the hash of all options except ``amounts_needed``, which is always true for a load."""
        options_used = {
            name: value for name, value in asdict(self).items() if name not in {"amounts_needed", "blank_currency"}
        }
        if self.blank_currency is not None:
            options_used["blank_currency"] = self.blank_currency
        return hashlib.sha256(json.dumps(options_used, sort_keys=True).encode()).hexdigest()

    def mapping(
        self,
        columns: Sequence[str],
        *,
        named: bool = True,
        repeated: Sequence[Sequence[str]] = (),
        sample: pl.DataFrame | None = None,
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the platform's mapping or a proposed one; see :func:`ckm.io.mapping.proposal.propose_mapping`."""
        platform = known_platform(columns, sample, table=self.table, given=self.platform)
        if platform is not None:
            return self._of_platform(platform, columns, named=named)
        proposal = propose_mapping(
            columns,
            self.table,
            hints=self.hints,
            name=self.table,
            overrides=self.overrides,
            default_currency=self.currency,
            named=named,
            repeated=repeated,
            amounts_needed=self.amounts_needed,
            sample=sample,
        )
        matched = ", ".join(f"{target} = {source}" for target, source, _ in proposal.matched)
        zones = zone_column(columns, sample) if self.table != "customers" else None
        mapping = replace(proposal.mapping, time_zone=self.time_zone, time_zone_column=zones)
        mapping = with_currency(mapping, self.blank_currency)
        mapping = replace(mapping, status=status_rules(mapping, columns, sample))
        statuses = status_remarks(mapping, shown_columns(columns, named=named), sample)
        return mapping, (f"matched by name: {matched}", *proposal.assumed, *statuses)

    def _of_platform(
        self, platform: Platform, columns: Sequence[str], *, named: bool
    ) -> tuple[Mapping, tuple[str, ...]]:
        taken = checked_overrides(self.overrides, self.table, columns, named=named)
        mapping = platform.mapping_for(columns, taken)
        rules, assumed = complete(mapping.columns, mapping.target, self.currency, columns)
        options_used = IngestOptions(hints=self.hints, time_zone=self.time_zone, currency=self.blank_currency)
        mapping = adjusted(replace(mapping, columns=rules), options_used)
        assumed += [
            doubt(f"the export has no column {column}: {consequence}")
            for column, consequence in platform.missing_amounts(columns, taken)
        ]
        if passed := unmapped_columns(mapping, columns).money:
            names = ", ".join(repr(column) for column in shown_columns(passed, named=named))
            assumed.append(warning(f"unmapped columns with amounts or statuses: {names}"))
        found = basis(f"recognised as {platform.title} ({platform.name})")
        return mapping, (found, *assumed, "--platform none maps its columns by name only")


def mapping_for(plan: Plan, file: FileFormat, sample: pl.DataFrame) -> tuple[Mapping, tuple[str, ...]]:
    """Return the mapping for an open file, and remarks; see :meth:`Plan.mapping`.

    Raises
    ------
    UsageError
        The columns cannot be mapped; for a workbook the hint names the other sheets with data.
    """
    try:
        return plan.mapping(file.columns, named=file.named, repeated=file.repeated, sample=sample)
    except UsageError as error:
        if file.other_sheets:
            others = ", ".join(f"'{name}'" for name in file.other_sheets)
            error.hint = (
                f"sheet '{file.sheet}' was read; choose another with --sheet: {others}. {error.hint or ''}".strip()
            )
        raise


def adjusted(mapping: Mapping, options: IngestOptions) -> Mapping:
    """Return a mapping whose format, columns, currency and time zone are replaced by the options.

    A currency column is kept; the currency option applies to rows without a currency.
    """
    given = {name: value for name, value in vars(options.hints).items() if value is not None}
    columns: dict[str, ColumnRule] = {target: FromColumn(source) for target, source in options.overrides.items()}
    for target in columns:
        if target not in mapping.target.fillable:
            raise UnknownNameError(f"column of {mapping.table}:", target, mapping.target.fillable, where="--column")
    return replace(
        with_currency(mapping.with_columns(**columns), options.currency),
        hints=replace(mapping.hints, **given),
        time_zone=options.time_zone or mapping.time_zone,
    )


def with_currency(mapping: Mapping, currency: str | None) -> Mapping:
    """Return a mapping with ``currency`` for rows without one; unchanged if ``currency`` is null."""
    rule = mapping.columns.get("currency", Constant(""))
    if currency is None or "currency" not in mapping.target.targets:
        return mapping
    if isinstance(rule, Constant):
        return mapping if rule.value == NO_CURRENCY else mapping.with_columns(currency=Constant(currency))
    if not isinstance(rule, FromColumn) or rule.source in mapping.order_level:
        return mapping
    source = rule.source.replace('"', '""')
    return mapping.with_columns(currency=Expression(f"COALESCE(\"{source}\", '{currency}')"))
