"""What a file is to be loaded as: by a mapping, or by the names of its columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ckm.mapping.proposal import propose_mapping
from ckm.sources.hints import Hints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.mapping.mapping import Mapping


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
    def fingerprint(self) -> str:
        """Same for plans that load the same file in the same way."""
        ...

    def mapping(
        self, columns: Sequence[str], *, named: bool = True, repeated: Sequence[Sequence[str]] = ()
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the mapping for a file with these columns, and sentences on what was matched and assumed.

        Errors show the columns only if they are surely ``named``; ``repeated`` are those of one name.
        """
        ...


@dataclass(frozen=True)
class Mapped:
    """Load by a mapping; options of the command override its hints."""

    given: Mapping

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
        self, columns: Sequence[str], *, named: bool = True, repeated: Sequence[Sequence[str]] = ()
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Return the mapping itself; ``columns`` do not matter."""
        return self.given, ()


@dataclass(frozen=True)
class ByNames:
    """Load by the names of the columns.

    The ``source`` of the rows is the table's name: however the files are called, they are exports of one source.

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
    """

    table: str
    hints: Hints = Hints()
    overrides: dict[str, str] = field(default_factory=dict)
    currency: str = "EUR"
    time_zone: str | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of everything that was said."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def mapping(
        self, columns: Sequence[str], *, named: bool = True, repeated: Sequence[Sequence[str]] = ()
    ) -> tuple[Mapping, tuple[str, ...]]:
        """Propose a mapping; see :func:`ckm.mapping.proposal.propose_mapping`."""
        proposal = propose_mapping(
            columns,
            self.table,
            hints=self.hints,
            name=self.table,
            overrides=self.overrides,
            default_currency=self.currency,
            named=named,
            repeated=repeated,
        )
        matched = ", ".join(f"{target} = {source}" for target, source, _ in proposal.matched)
        mapping = replace(proposal.mapping, time_zone=self.time_zone)
        return mapping, (f"matched by name: {matched}", *proposal.assumed)
