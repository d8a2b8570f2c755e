"""Consents and membership of the customer, and reasons not to contact the customer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.suppression import suppress
from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.membership import membership
from ckm._profile.record import CUSTOMERS, INTERACTIONS
from ckm.customers.consents import consent_records
from ckm.dataset import WHO
from ckm.io.values.word_lists import load_data
from ckm.schema import RESERVED_COLUMNS, TABLES, Exposure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._profile.record import CustomerRecord

SUPPRESSED_BY = ("consents", CUSTOMERS, INTERACTIONS, "assignments")
"""Tables with reasons not to contact a customer."""
SHOWN = ("purpose", "channel", "granted", "status", "at", "valid_until", "obtained_by")
"""Shown columns of recorded consents."""


def consents(record: CustomerRecord, open_complaints: int) -> ProfileSection:
    """Return the section on contacts: whether churn-warn would contact the customer, consents, and membership."""
    figures = []
    suppressed = suppress(
        pl.DataFrame({WHO: [record.customer_id], "open_complaint": [open_complaints > 0]}),
        {name: rows.lazy() for name, rows in record.tables.items()},
        as_of=record.as_of,
        settings=record.dataset.config.churn,
        time_zone=record.time_zone,
        consents=consent_records(record.dataset.tables, record.time_zone),
    ).frame["suppressed"][0]
    if suppressed is not None:
        source = ", ".join(name for name in SUPPRESSED_BY if name in record.tables)
        reason = suppressed.replace("_", " ")
        figures.append(ProfileFigure("suppressed", "Do not contact", reason, source, record.as_of, Exposure.group))
    tables = tuple(_consent_rows(record))
    found = {kind: list(_of_words(record, kind)) for kind in ("consent", "membership")}
    not_known = []
    if not tables and not found["consent"]:
        not_known.append(NotKnown("consents", "no table 'consents' and no such column"))
    member = [*membership(record), *found["membership"]]
    if not member:
        not_known.append(NotKnown("membership and points", "no such row in 'memberships' and no such column"))
    return ProfileSection(
        "consents",
        "Consents and membership",
        (*figures, *found["consent"], *member),
        tables,
        tuple(not_known),
    )


def _consent_rows(record: CustomerRecord) -> Iterator[ProfileTable]:
    rows = record.rows("consents")
    names = [
        name
        for name in ("purpose", "channel", "granted", "status", "at", "valid_until", "obtained_by")
        if name in rows.columns
    ]
    if rows.height and names:
        shown = rows.select(names)
        shown = shown.sort("at", descending=True) if "at" in names else shown
        columns: dict[str, Exposure] = dict.fromkeys(names, Exposure.personal)
        source = record.source("consents")
        yield ProfileTable("consent_records", "Consents", columns, tuple(shown.rows()), source, record.as_of)


def _of_words(record: CustomerRecord, kind: str) -> Iterator[ProfileFigure]:
    """Yield a figure for each column of ``customers`` that is not in the schema and whose name fits a kind.

    ``profile_columns.yaml`` lists the words of each kind that a column name must contain.
    """
    words, rows = set(load_data("profile_columns.yaml")[kind]), record.rows(CUSTOMERS)
    known = {*TABLES[CUSTOMERS].dtypes, *RESERVED_COLUMNS}
    for name in rows.columns:
        value = rows[name][0] if rows.height else None
        if name not in known and value is not None and words & set(re.split(r"[\s_-]+", name.lower())):
            source, day = record.source(CUSTOMERS), record.loaded_on(CUSTOMERS)
            shown = value if isinstance(value, bool | int | float | str) else str(value)
            yield ProfileFigure(f"{kind}:{name}", name, shown, source, day, TABLES[CUSTOMERS].exposure(name))
