"""Profile of one customer, for staff in contact with the customer: the function of ``ckm profile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._profile.billing import billing_fields
from ckm._profile.consents import consents
from ckm._profile.identity import who
from ckm._profile.knowledge import knowledge
from ckm._profile.open_matters import open_complaints, open_matters, open_topics
from ckm._profile.purchases import not_to_offer, purchases
from ckm._profile.record import CUSTOMERS, read_record
from ckm._profile.relatives import relatives
from ckm._profile.result import CustomerProfile
from ckm._profile.risk import risk
from ckm._profile.roles import visible_exposures
from ckm._profile.segments import segments
from ckm.customers.features import features_of
from ckm.dataset.source import dataset_of
from ckm.remark import basis
from ckm.schema import Exposure

if TYPE_CHECKING:
    from datetime import date

    from ckm._profile.figures import ProfileSection
    from ckm._profile.record import CustomerRecord
    from ckm.dataset.source import Source

__all__ = ["CustomerProfile", "profile"]


def profile(
    source: Source, customer_id: str, *, as_of: date | None = None, role: str | None = None, lang: str = ""
) -> CustomerProfile:
    """Return the profile of one customer; only the rows of this customer are read.

    Orders, net sales, stage and segments are computed with the functions and saved definitions of ``ckm segment``. The
    churn probability and the churn reasons come from the newest saved run of ``ckm churn-warn``.

    Parameters
    ----------
    source
        A workspace, file or table (:func:`ckm.dataset.source.dataset_of`).
    customer_id
        A customer id, exactly as in the data; any id of linked ids.
    as_of
        As-of date. Default: the newest usual day.
    role
        Role of the reader: columns and knowledge entries that the role may not see are left out
        (:mod:`ckm._profile.roles`). Default: the setting ``kb.role``; without a role all columns are visible.
    lang
        Preferred language of the titles of knowledge entries. Default: the setting ``kb.prefer_lang``, else English.

    Raises
    ------
    UsageError
        No customer has this id (the error contains no id), or the customer's amounts have several currencies.
    InputError
        A file of the data is damaged.
    NotEnoughDataError
        There are no transactions by ``as_of``.

    Examples
    --------
    >>> profile("shop", "0010017").to_html()  # doctest: +SKIP
    """
    dataset = dataset_of(source, by_customer=True)
    role = role or dataset.config.kb.role
    lang = lang or dataset.config.kb.prefer_lang or "en"
    exposures = visible_exposures(role, dataset.config.profile)
    record = read_record(dataset, customer_id, as_of)
    sections = tuple(section.visible(exposures) for section in _sections(record, role, lang))
    unseen = [each for each in Exposure if each not in exposures]
    hidden = (
        f"Not shown to role '{role}': columns of exposure {', '.join(unseen)} (profile.roles in ckm.yaml)."
        if unseen
        else ""
    )
    remarks = [basis(f"{len(record.members)} linked ids count as one person")] if len(record.members) > 1 else []
    # if ids are linked, the person id can differ from the given id
    shown_id = record.customer_id if Exposure.identity in exposures else customer_id
    return CustomerProfile(shown_id, record.as_of, role, sections, tuple(remarks), hidden)


def _sections(record: CustomerRecord, role: str | None, lang: str) -> list[ProfileSection]:
    store = None
    if record.dataset.workspace is not None:
        from ckm.store import Store  # imported late: a file needs no deltalake

        store = Store(record.dataset.workspace.store_dir)
    customers = record.rows(CUSTOMERS)
    table = features_of(record.ledger, customers.lazy() if customers.width else None) if record.ledger else None
    churn, codes = risk(record, store)
    return [
        who(record),
        open_matters(record),
        purchases(record, table),
        segments(record, store),
        churn,
        knowledge(record, codes, open_topics(record), role, lang),
        not_to_offer(record),
        consents(record, open_complaints(record)),
        billing_fields(record),
        relatives(record),
    ]
