"""Suppressions of a new audience: no consent, open complaint, recent contact, or member of a running audience."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.suppression import suppress
from ckm.assignments import FOLDER, TREATED, audience_names, read_assignment, read_members
from ckm.customers.calendar import day_number
from ckm.customers.contacts import read_contacts
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from ckm._outcome.metric_values import ShopRecord

RUNNING, CONTACTED = "running", "contacted"


def suppressions(candidates: pl.DataFrame, shop: ShopRecord, name: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the candidates with the reason for which each one is suppressed.

    Reasons are those of :func:`ckm._churn.suppression.suppress`, and ``running``: the person is in either arm of an
    audience whose window has not ended. The treated persons of another audience count as contacted on the day of its
    assignment.

    Parameters
    ----------
    candidates
        One row per person: customer_id, and suppressed (the reason that an earlier analysis found; null if none).
    shop
        Ledger and tables as of the day of the assignment.
    name
        Name of the new audience. If an audience of this name exists, it does not suppress its own members.

    Returns
    -------
    tuple
        The candidates in the given order, with ``suppressed`` (one reason; null if the person may be contacted); and
        remarks.
    """
    settings = shop.dataset.config.churn
    persons = candidates["customer_id"]
    judged = candidates.select("customer_id", open_complaint=_with_open_complaint(persons, shop))
    found = suppress(judged, shop.dataset.tables, as_of=shop.as_of, settings=settings, time_zone=shop.ledger.time_zone)
    running, contacted = _of_other_audiences(shop, name, settings.contacted_days)
    reason = pl.coalesce(
        pl.col("suppressed"),
        pl.Series("found", found.frame["suppressed"]),
        pl.when(pl.col("customer_id").is_in(contacted)).then(pl.lit(CONTACTED)),
        pl.when(pl.col("customer_id").is_in(running)).then(pl.lit(RUNNING)),
    )
    return candidates.with_columns(suppressed=reason), found.remarks


def _with_open_complaint(persons: pl.Series, shop: ShopRecord) -> pl.Series:
    """Return a Boolean series: whether each person has an open complaint at the end of the as-of date."""
    zone = shop.ledger.time_zone
    codes = {person: code for code, person in enumerate(persons)}
    code = pl.col("customer_id").replace_strict(codes, default=None, return_dtype=pl.UInt32)
    contacts = read_contacts(
        shop.dataset.tables.get("interactions"), code, until=end_of_day(shop.as_of, zone), time_zone=zone
    )
    return pl.Series(contacts.open_complaints(len(codes), day_number(shop.as_of)) > 0)


def _of_other_audiences(shop: ShopRecord, own: str, days: int) -> tuple[list[str], list[str]]:
    """Return the persons of running audiences, and the persons who were treated in the last ``days`` days.

    ``own`` is the name of the audience that is left out. Ids are those of persons, sorted.
    """
    workspace = shop.dataset.workspace
    running, contacted = set[str](), set[str]()
    if workspace is None:
        return [], []
    for name in audience_names(workspace.root):
        folder = workspace.root / FOLDER / name
        assignment = read_assignment(folder)
        if name == own or assignment.assigned_on > shop.as_of:
            continue
        members, _ = read_members(folder, assignment)
        if assignment.last_day >= shop.as_of:
            running.update(members["customer_id"])
        if assignment.assigned_on > shop.as_of - timedelta(days=days):
            contacted.update(members.filter(pl.col("arm") == TREATED)["customer_id"])
    return _as_persons(running, shop), _as_persons(contacted, shop)


def _as_persons(ids: set[str], shop: ShopRecord) -> list[str]:
    """Return the ids of the persons to whom customer ids belong, sorted, without duplicates."""
    persons = shop.dataset.persons
    return sorted({persons.get(each, each) for each in ids})
