"""Find the table that a file matches, and count the rows that would fail validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.ingest.failures import Failures
from ckm.ingest.plan import MappingPlan, NameMatchingPlan, adjusted, mapping_for
from ckm.ingest.schema_validator import SchemaValidator
from ckm.ingest.selection import mappings_of, workspace_mappings
from ckm.ingest.validation import validated
from ckm.io.mapping.mapping import columns_read
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.platforms import known_platform
from ckm.io.mapping.source_currencies import name_without_currency
from ckm.io.mapping.source_zones import name_without_zone
from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.paths import STDIN
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ckm.config import Config, Workspace
    from ckm.ingest.options import IngestOptions
    from ckm.ingest.plan import Plan
    from ckm.io.mapping.convert import Conversion
    from ckm.io.mapping.mapping import Mapping
    from ckm.io.readers.format import Batch
    from ckm.io.readers.read import Source


@dataclass(frozen=True)
class FailedRule:
    """A rule that rows would fail.

    Attributes
    ----------
    rule
        ``column|rule`` or ``row|RULE``, as in the quarantine.
    rows
        Number of failed rows in the whole file.
    first
        The first row numbers.
    text
        The failure as a sentence.
    """

    rule: str
    rows: int
    first: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class ProposedMapping:
    """The best matching table of a file, and the mapping to it.

    Attributes
    ----------
    table
        The table; None if no column name is known.
    columns
        ``(column of the table, column of the file)``.
    assumed
        Assumptions for missing columns, as sentences.
    obstacle
        Why the file cannot be loaded, and what helps; None if it can.
    failed
        Number of records that would fail validation or parsing; None if there is an obstacle. Non-record lines (blank
        lines, totals, footers) are excluded.
    rules
        The violated rules, most frequent first.
    options
        Options that may fix the failures; None if no row fails.
    platform
        The platform of the export; None if none is recognised.
    mapping
        Name of the mapping that the user or the workspace gives; None for a proposal.
    """

    table: str | None
    columns: tuple[tuple[str, str], ...] = ()
    assumed: tuple[str, ...] = ()
    obstacle: str | None = None
    failed: int | None = None
    rules: tuple[FailedRule, ...] = ()
    options: str | None = None
    platform: str | None = None
    mapping: str | None = None


class Validation:
    """Validate every batch of a file as a load would, without storing it.

    Parameters
    ----------
    source
        The file.
    options
        Mapping and format options; without a table or a mapping the best matching table is used.
    config
        Default currency and time zone.
    mapping
        The mapping that the user or the workspace gives; None means a proposal by column names.
    """

    def __init__(self, source: Source, options: IngestOptions, config: Config, mapping: Mapping | None = None) -> None:
        self.source = source
        self.failures = Failures()
        self.rows = 0
        self.proposal = ProposedMapping(None)
        self.conversion: Conversion | None = None
        self._mapping: Mapping | None = None
        try:
            self._plan(options, config, mapping)
        except UsageError as error:
            self._refuse(error)

    @property
    def mapping(self) -> Mapping | None:
        """Return the given or proposed mapping; None if the file cannot be loaded."""
        return self._mapping if self.conversion is not None else None

    def add(self, batch: Batch) -> None:
        """Validate the next batch."""
        if self.conversion is None or self.conversion.is_by_order:
            return  # the lines of an order may be in several batches: see :meth:`result`
        self._validate(batch)

    def _validate(self, batch: Batch) -> None:
        if self.conversion is None:
            return
        try:
            found = validated(batch, self.conversion, self.contract)
        except UsageError as error:
            self._refuse(error)
            return
        self.failures.add(found.failed)
        self.rows += found.records

    def result(self) -> ProposedMapping:
        """Return the mapping and the failed rules, after all batches are added."""
        if self.conversion is not None and self.conversion.is_by_order:
            for batch in self.conversion.pieces(self.source.batches()):
                self._validate(batch)
        if self.conversion is None:
            return self.proposal
        mapping, found, failures = self.conversion.mapping, self.source.format, self.failures
        texts = failures.sentences(mapping, found)
        rules = tuple(
            FailedRule(rule, count, tuple(failures.first[rule]), text)
            for (rule, count), text in zip(failures.faults(), texts, strict=True)
        )
        options = failures.options(mapping, self.source, rows=self.rows, loads=True) if failures.failed else None
        return replace(self.proposal, failed=failures.failed, rules=rules, options=options)

    def _plan(self, options: IngestOptions, config: Config, given: Mapping | None) -> None:
        found = self.source.format
        known = known_platform(found.columns, self.source.sample, table=options.table, given=options.platform)
        table = known.mapping.table if known is not None else options.table
        plan = MappingPlan(given) if given is not None else _plan(table, options, config, found.columns)
        if plan is None:
            obstacle = "no column has a known name" if found.columns else "the file has no columns"
            self.proposal = ProposedMapping(None, obstacle=obstacle)
            return
        platform = known.name if known is not None and given is None else None
        self.proposal = ProposedMapping(
            plan.table, platform=platform, mapping=given.name if given is not None else None
        )
        mapping, remarks = mapping_for(plan, found, self.source.sample)
        self._mapping = mapping
        matched = "matched by name"
        self.proposal = replace(
            self.proposal,
            columns=_taken(mapping),
            assumed=tuple(each for each in remarks if not each.startswith(matched)),
        )
        conversion = plan_conversion(
            mapping,
            found,
            self.source.sample,
            more=lambda: (batch.records for batch in self.source.batches()),
            default_zone=config.time_zone,
            default_currency=options.currency or config.currency,
            zone_setting="time_zone in ckm.yaml or --time-zone",
        )
        assumed = tuple(dict.fromkeys((*self.proposal.assumed, *conversion.remarks)))
        self.proposal = replace(self.proposal, assumed=assumed)
        self.conversion = replace(conversion, extras=())
        self.contract = SchemaValidator(mapping.target)

    def _refuse(self, error: UsageError) -> None:
        self.conversion = None
        obstacle = f"{error}; {error.hint}" if error.hint else str(error)
        refused = self.proposal
        self.proposal = ProposedMapping(
            refused.table, obstacle=obstacle, platform=refused.platform, mapping=refused.mapping
        )


def given_mapping(path: Path, options: IngestOptions, workspace: Workspace | None = None) -> Mapping | None:
    """Return the mapping of ``options``, else the first in the workspace that matches the file; None without any.

    A table or a platform in ``options`` takes precedence over the workspace's mappings.

    Raises
    ------
    UsageError
        A mapping does not exist or is invalid.
    """
    if options.map_file is not None:
        return adjusted(load_mapping(options.map_file), options)
    if workspace is None or path == STDIN or options.table or options.platform:
        return None
    matching = mappings_of(path, workspace_mappings(workspace), workspace.root)
    return adjusted(matching[0], options) if matching else None


def _plan(table: str | None, options: IngestOptions, config: Config, columns: Sequence[str]) -> Plan | None:
    """Return the plan for a table, by default the best matching one; None if no column has a known name."""
    table = table or best_table([*columns, *options.overrides])
    return None if table is None else NameMatchingPlan.of(table, options, config.currency)


def _taken(mapping: Mapping) -> tuple[tuple[str, str], ...]:
    filled = [(target, source) for target, rule in mapping.columns.items() for source in columns_read(rule)]
    return (*filled, *(("type", source) for rule in mapping.status for source in rule.sources[:1]))


def best_table(columns: Sequence[str]) -> str | None:
    """Return the table that matches most of ``columns``; None if none matches.

    The customers table requires only a customer id, but matches fewer columns of an order file than transactions.
    """
    names = {normalise(name_without_currency(name_without_zone(column))) for column in columns}
    known = {
        name: sum(bool(synonyms(name).of(target) & names) for target in table.targets) for name, table in TABLES.items()
    }
    best = max(known, key=lambda name: known[name])
    return best if known[best] else None
