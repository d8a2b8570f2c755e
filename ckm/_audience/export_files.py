"""Contact files for e-mail and advertising platforms; ``ckm/data/audience_targets.yaml`` defines their columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from ckm._link.fields import field_of
from ckm._link.normalise import normalised, with_split_names
from ckm.customers.consents import consent_records, contactable
from ckm.files import replacing
from ckm.group_size import refuse_small_groups
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import date

    from ckm.assignments import Assignment
    from ckm.dataset import Dataset

TARGETS = ("csv", "klaviyo", "hubspot", "mailchimp", "google", "meta")
DATA = Path(__file__).parents[1] / "data" / "audience_targets.yaml"
HASHED = ("google", "meta")
WHO, CUSTOMERS, FULL_NAME = "customer_id", "customers", "full_name"
FIELDS = ("email", "phone", "given_name", "surname", "postcode", "country", "city")
COLUMN_FIELDS = {"display_name": FULL_NAME, "country": "country"}
"""Field by column of the table ``customers``, for columns whose name does not identify the field."""
COUNTRY = r"^[A-Za-z]{2}$"
"""Pattern of an ISO 3166-1 alpha-2 country code; any other text in the column ``country`` is treated as unknown."""
E164 = r"^\+[1-9]\d{6,14}$"
PUNCTUATION = r"[\p{P}\p{S}]"


@dataclass(frozen=True)
class ContactList(Result):
    """Contacts of the treated persons of an audience, in the format of a target.

    Attributes
    ----------
    frame
        One row per person, sorted by customer id, with the columns that the target documents; null if unknown.
    target
        Name of the target, one of :data:`TARGETS`.
    assigned_on
        Day of the assignment of the audience.
    remarks
        Remarks for the user, such as the number of persons that were left out.
    """

    frame: pl.DataFrame
    target: str
    assigned_on: date
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """One row: target, contacts (number)."""
        return pl.DataFrame({"target": [self.target], "contacts": [self.frame.height]})

    @property
    def definitions(self) -> dict[str, str]:
        """Definition of each column of :attr:`frame`: field, form, and whether it is hashed."""
        document = _document()
        columns = {each["header"]: each for each in document["targets"][self.target]["columns"]}
        found = {}
        for name in self.frame.columns:
            column = columns[name]
            parts = [document["fields"][column["field"]]]
            if "form" in column:
                parts.append(document["forms"][column["form"]])
            if column.get("hash"):
                parts.append("SHA-256 in hexadecimal digits")
            found[name] = f"{'; '.join(parts)}."
        return found

    def to_csv(self) -> str:
        """Return the contacts as CSV text with commas and a header; null is an empty cell."""
        return self.frame.write_csv(None)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the contacts as CSV in UTF-8, whatever the suffix of the path; only the owner can read the file."""
        target = Path(path)
        with replacing(target, owner_only=True) as draft:
            draft.write_text(self.to_csv(), encoding="utf-8", newline="")
        return target


def hashed(value: str | None) -> str | None:
    """Return the SHA-256 of a normalised value as 64 lower-case hex digits; null stays null.

    >>> hashed("16505551212")
    'e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176'
    """
    return None if value is None else hashlib.sha256(value.encode()).hexdigest()


def contact_list(to: str, assignment: Assignment, treated: pl.DataFrame, dataset: Dataset) -> ContactList:
    """Return the contacts of the treated persons in the format of a target.

    Two groups of persons are left out, and a remark has their numbers: persons whose newest consents do not allow
    marketing, and persons without any of the fields of which the target needs one (such as e-mail). Columns without
    any value are left out, except those that the target always has. A telephone number without a country code is null
    if the country is not known as two letters.

    Parameters
    ----------
    to
        One of :data:`TARGETS`.
    assignment, treated
        The audience: its assignment, and the rows of its treated members.
    dataset
        Tables; ``customers`` has the contacts. Consents are in ``consents`` or in columns of an export.

    Raises
    ------
    RefusedError
        A combination of quasi-identifiers in the written columns belongs to fewer persons than
        ``privacy.min_group_size``.
    """
    target = _document()["targets"][to]
    facts = treated.select(WHO, "why", "entry").with_columns(
        audience=pl.lit(assignment.name), offer=pl.lit(assignment.offer or None, pl.String)
    )
    rows = facts.with_columns(pl.col("why", "entry").replace("", None)).join(
        contact_fields(dataset, treated[WHO].to_list(), split=to in HASHED), on=WHO, how="left", maintain_order="left"
    )
    allowed = rows.filter(_may_be_contacted(dataset, assignment.assigned_on, rows[WHO]))
    reachable = allowed
    if target["needs"]:
        reachable = allowed.filter(pl.any_horizontal(pl.col(target["needs"]).is_not_null()))
    cells = reachable.select(_cell(column).alias(column["header"]) for column in target["columns"])
    always = [column["header"] for column in target["columns"] if column.get("always")]
    columns = [each for each in cells.columns if each in always or cells[each].null_count() < cells.height]
    written = {column["field"] for column in target["columns"] if column["header"] in columns}
    refuse_small_groups(
        reachable.select(sorted({WHO, *written} & set(reachable.columns))),
        dataset.config.privacy,
        f"contacts for {target['title']}",
    )
    remarks: list[str] = [basis(f"{counted(reachable.height, 'contact')} of the treated arm for {target['title']}")]
    if refused := rows.height - allowed.height:
        remarks.append(doubt(f"{counted(refused, 'person')} of the treated arm left out: no consent now"))
    if missing := allowed.height - reachable.height:
        needs = " or ".join(target["needs"])
        remarks.append(doubt(f"{counted(missing, 'person')} of the treated arm left out: no {needs}"))
    return ContactList(cells.select(columns), to, assignment.assigned_on, tuple(remarks))


def _may_be_contacted(dataset: Dataset, assigned_on: date, persons: pl.Series) -> pl.Series:
    """Return a Boolean series: whether each person may be contacted for marketing, by the newest consents.

    A consent may have expired. It must be valid on the day of the newest consent record, or on the day of the
    assignment if that is later.
    """
    config = dataset.config
    records = consent_records(dataset.tables, config.time_zone)
    newest = None if records is None else records.select(pl.col("at").max()).collect().item()
    day = assigned_on if newest is None else max(assigned_on, newest.astimezone(ZoneInfo(config.time_zone)).date())
    found = contactable(records, persons, day, config.churn.contact_channel, time_zone=config.time_zone)
    return found["allowed"]


def contact_fields(dataset: Dataset, persons: list[str], *, split: bool) -> pl.DataFrame:
    """Return one row per person with customer_id and the columns :data:`FIELDS`: normalised texts, null if unknown.

    If a person has several records in ``customers``, the first known value of each field is used, in the order of the
    table.

    Parameters
    ----------
    dataset
        Tables.
    persons
        Customer ids.
    split
        Whether a full name of a natural person is split into given name and surname in lower case. This is exact
        enough to match hashed names, and not to address a person by name.
    """
    table = dataset.tables.get(CUSTOMERS)
    if table is None:
        return pl.DataFrame({WHO: persons}, schema={WHO: pl.String}).with_columns(
            pl.lit(None, pl.String).alias(name) for name in FIELDS
        )
    records = table.filter(pl.col(WHO).is_in(persons)).collect()
    by_field: dict[str, pl.Series] = {}
    for name in records.columns:
        field = COLUMN_FIELDS.get(name) or field_of(name)
        if field in (*FIELDS, FULL_NAME) and field not in by_field:
            by_field[field] = records[name].cast(pl.String).str.strip_chars().replace("", None)
    country = by_field.get("country")
    if country is not None:
        letters = pl.DataFrame({"c": country}).select(pl.when(pl.col("c").str.contains(COUNTRY)).then("c"))
        country = by_field["country"] = letters.to_series()
    companies = "party_type" in records.columns
    if not split:
        by_field.pop(FULL_NAME, None)
    if FULL_NAME in by_field and companies:  # a company has no given name
        person = pl.DataFrame({"n": by_field[FULL_NAME], "t": records["party_type"]})
        by_field[FULL_NAME] = person.select(pl.when(pl.col("t").fill_null("person") == "person").then("n")).to_series()
    fields = with_split_names(by_field)
    if "phone" in fields:
        numbers = pl.DataFrame({"n": normalised(fields["phone"], "phone", country)})
        fields["phone"] = numbers.select(pl.when(pl.col("n").str.contains(E164)).then("n")).to_series()
    if "email" in fields:
        plain = pl.DataFrame({"e": fields["email"].str.to_lowercase().str.replace_all(r"\s", "")})
        fields["email"] = plain.select(pl.when(pl.col("e").str.contains("^[^@]+@[^@]+$")).then("e")).to_series()
    nothing = pl.Series([None] * records.height, dtype=pl.String)
    frame = pl.DataFrame({WHO: records[WHO], **{name: fields.get(name, nothing) for name in FIELDS}})
    return frame.group_by(WHO, maintain_order=True).agg(pl.col(FIELDS).drop_nulls().first())


def _cell(column: Mapping[str, Any]) -> pl.Expr:
    """Return the expression of a column of a target from its definition.

    ``field`` is the source, ``form`` the normalisation, ``hash`` whether the value is hashed with SHA-256. The value is
    null if one of the fields that ``with`` lists is null.
    """
    value = pl.col(column["field"])
    form = column.get("form")
    if form == "digits":
        value = value.str.strip_prefix("+")
    elif form == "upper":
        value = value.str.to_uppercase()
    elif form in ("lower", "letters"):
        plain = value.str.replace_all(PUNCTUATION, "") if form == "letters" else value
        value = plain.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars().replace("", None)
    if column.get("with"):
        value = pl.when(pl.all_horizontal(pl.col(column["with"]).is_not_null())).then(value)
    return value.map_elements(hashed, return_dtype=pl.String) if column.get("hash") else value


@cache
def _document() -> Mapping[str, Any]:
    """Return the content of :data:`DATA`: the targets by name, and the definitions of fields and forms."""
    document: Mapping[str, Any] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return document
