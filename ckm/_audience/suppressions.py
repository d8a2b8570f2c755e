"""Persons who must not be in a new audience: consent, open complaint, contacted lately, other running audiences."""

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


def suppressions(candidates: pl.DataFrame, shop: ShopRecord) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the candidates with the reason for which each is left out, and remarks.

    Reasons are those of :func:`ckm._churn.suppression.suppress`, and ``running``: the person is in either arm of an
    audience whose window has not ended. Treated persons of other audiences were contacted on the day of their
    assignment.

    Parameters
    ----------
    candidates
        customer_id, and suppressed of an earlier analysis (null if not).
    shop
        Ledger and tables.

    Returns
    -------
    tuple
        The candidates in their order with ``suppressed``; and remarks.
    """
    settings = shop.dataset.config.churn
    persons = candidates["customer_id"]
    judged = candidates.select("customer_id", open_complaint=_with_open_complaint(persons, shop))
    found = suppress(judged, shop.dataset.tables, as_of=shop.as_of, settings=settings, time_zone=shop.ledger.time_zone)
    running, contacted = _of_other_audiences(shop, settings.contacted_days)
    reason = pl.coalesce(
        pl.col("suppressed"),
        pl.Series("found", found.frame["suppressed"]),
        pl.when(pl.col("customer_id").is_in(contacted)).then(pl.lit(CONTACTED)),
        pl.when(pl.col("customer_id").is_in(running)).then(pl.lit(RUNNING)),
    )
    return candidates.with_columns(suppressed=reason), found.remarks


def _with_open_complaint(persons: pl.Series, shop: ShopRecord) -> pl.Series:
    zone = shop.ledger.time_zone
    codes = {person: code for code, person in enumerate(persons)}
    code = pl.col("customer_id").replace_strict(codes, default=None, return_dtype=pl.UInt32)
    contacts = read_contacts(
        shop.dataset.tables.get("interactions"), code, until=end_of_day(shop.as_of, zone), time_zone=zone
    )
    return pl.Series(contacts.open_complaints(len(codes), day_number(shop.as_of)) > 0)


def _of_other_audiences(shop: ShopRecord, days: int) -> tuple[list[str], list[str]]:
    """Return the persons of running audiences, and those treated in the last days."""
    workspace = shop.dataset.workspace
    running, contacted = set[str](), set[str]()
    if workspace is None:
        return [], []
    for name in audience_names(workspace.root):
        folder = workspace.root / FOLDER / name
        assignment = read_assignment(folder)
        if assignment.assigned_on > shop.as_of:
            continue
        members, _ = read_members(folder, assignment)
        if assignment.last_day >= shop.as_of:
            running.update(members["customer_id"])
        if assignment.assigned_on > shop.as_of - timedelta(days=days):
            contacted.update(members.filter(pl.col("arm") == TREATED)["customer_id"])
    return _as_persons(running, shop), _as_persons(contacted, shop)


def _as_persons(ids: set[str], shop: ShopRecord) -> list[str]:
    persons = shop.dataset.persons
    return sorted({persons.get(each, each) for each in ids})
