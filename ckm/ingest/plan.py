"""What a file is to be loaded as: by a mapping, or by the names of its columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ckm.errors import UnknownNameError
from ckm.ingest.options import IngestOptions
from ckm.mapping.mapping import Constant, Expression, FromColumn
from ckm.mapping.passed_over import passed_over
from ckm.mapping.platforms import NONE, known_platform
from ckm.mapping.proposal import checked_overrides, complete, propose_mapping
from ckm.mapping.sayable import sayable
from ckm.mapping.zone_column import zone_column
from ckm.schema import NO_CURRENCY
from ckm.sources.hints import Hints

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from ckm.mapping.mapping import ColumnRule, Mapping
    from ckm.mapping.platforms import Platform


class Plan(Protocol):
    """How to find the mapping for a file."""

    @property
    def table(self) -> str:
        """The table that is filled."""
        ...

    @property
    def hints(self) -> Hints:
        """What is known of the file's format."""
        ...

    @property
    def platform(self) -> str | None:
        """The platform that a person named, or ``none``; None leaves it to the columns."""
        ...

    @property
    def fingerprint(self) -> str:
        """Same for plans that load the same file in the same way."""
        ...

    def mapping(
        self,
        columns: Sequence[str],
        *,
        named: bool = True,
        repeated: Sequence[Sequence[str]] = (),
        sample: pl.DataFrame | None = None,
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the mapping for a file with these columns, and sentences on what was matched and assumed.

        Errors show the columns only if they are surely ``named``; ``repeated`` are those of one name; the ``sample``
        says what they hold.
        """
        ...


@dataclass(frozen=True)
class Mapped:
    """Load by a mapping; options of the command override its hints."""

    given: Mapping

    @property
    def platform(self) -> str:
        """None: the mapping says all."""
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
        """Return the mapping itself; ``columns`` do not matter."""
        return self.given, ()


@dataclass(frozen=True)
class ByNames:
    """Load by the names of the columns, or as an export of a platform that is recognised by them.

    The ``source`` of the rows is the platform's name, else the table's: however the files are called, they are exports
    of one source.

    Attributes
    ----------
    table, hints
        See :class:`Plan`.
    overrides
        Target to source column, as decided by a person.
    currency
        Of amounts when no column names one.
    time_zone
        Of times without one; None leaves it to the workspace.
    amounts_needed
        Whether transactions without a column of amounts are refused.
    platform
        The platform whose export it is, or ``none``; None leaves it to the columns.
    blank_currency
        Of amounts whose row has none in the column of currencies; None leaves them to validation.
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
    def of(cls, table: str, options: IngestOptions, currency: str) -> ByNames:
        """Return the plan for ``table`` that a caller's options make; ``currency`` is theirs unless they name one."""
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
        """Hash of everything that was said of a file to load; a load always needs amounts."""
        said = {name: value for name, value in asdict(self).items() if name not in {"amounts_needed", "blank_currency"}}
        if self.blank_currency is not None:
            said["blank_currency"] = self.blank_currency
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def mapping(
        self,
        columns: Sequence[str],
        *,
        named: bool = True,
        repeated: Sequence[Sequence[str]] = (),
        sample: pl.DataFrame | None = None,
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return a platform's mapping, or a proposed one; see :func:`ckm.mapping.proposal.propose_mapping`."""
        platform = known_platform(columns, sample, table=self.table, said=self.platform)
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
        return mapping, (f"matched by name: {matched}", *proposal.assumed)

    def _of_platform(
        self, platform: Platform, columns: Sequence[str], *, named: bool
    ) -> tuple[Mapping, tuple[str, ...]]:
        taken = checked_overrides(self.overrides, self.table, columns, named=named)
        mapping = platform.mapping_for(columns, taken)
        rules, assumed = complete(mapping.columns, mapping.target, self.currency, columns)
        said = IngestOptions(hints=self.hints, time_zone=self.time_zone, currency=self.blank_currency)
        mapping = adjusted(replace(mapping, columns=rules), said)
        assumed += [
            f"the export has no column {column}: {consequence}"
            for column, consequence in platform.lacks(columns, taken)
        ]
        if passed := passed_over(mapping, columns).money:
            names = ", ".join(repr(column) for column in sayable(passed, named=named))
            assumed.append(f"columns of money or status that nothing takes: {names}")
        found = f"recognised as {platform.title} ({platform.name}); --platform none takes columns by name alone"
        return mapping, (found, *assumed)


def adjusted(mapping: Mapping, options: IngestOptions) -> Mapping:
    """Return a mapping with what the caller says of format, columns, currency and time zone in place of its own.

    A currency that a column of the file names stays; the caller's is that of the rows in which it names none.
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
    """Return a mapping of which rows without a currency of their own are in ``currency``; as it is without one."""
    rule = mapping.columns.get("currency", Constant(""))
    if currency is None or "currency" not in mapping.target.targets:
        return mapping
    if isinstance(rule, Constant):
        return mapping if rule.value == NO_CURRENCY else mapping.with_columns(currency=Constant(currency))
    if not isinstance(rule, FromColumn) or rule.source in mapping.order_level:
        return mapping
    source = rule.source.replace('"', '""')
    return mapping.with_columns(currency=Expression(f"COALESCE(\"{source}\", '{currency}')"))
