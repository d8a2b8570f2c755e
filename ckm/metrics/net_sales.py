"""What net sales include, by platform: taxes, shipping and gift cards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.yamlfile import YamlEntry

PLATFORMS = Path(__file__).parents[1] / "data" / "net_sales.yaml"
NET_SALES_SCHEMA = "ckm.net_sales/1"
TAXES = ("included", "apart", "prices")
SHIPPING = ("included", "apart")
GIFT_CARDS = ("sales", "apart")


@dataclass(frozen=True)
class NetSales:
    """What the amounts of a platform's export include.

    Attributes
    ----------
    title
        Name of the platform; empty for :data:`AS_THE_SOURCE`, which is for sources other than recognised platforms.
    taxes, shipping, gift_cards
        One of :data:`TAXES`, :data:`SHIPPING` and :data:`GIFT_CARDS`; empty if it is not documented.
    """

    title: str = ""
    taxes: str = ""
    shipping: str = ""
    gift_cards: str = ""


AS_THE_SOURCE = NetSales()


def net_sales_of(sources: Iterable[str]) -> tuple[NetSales, ...]:
    """Return the distinct :class:`NetSales` of some sources: platforms by title, then :data:`AS_THE_SOURCE`.

    Parameters
    ----------
    sources
        Names of mappings or platforms, as :meth:`ckm.dataset.Dataset.transaction_sources` returns them.
    """
    found = {load_net_sales().get(source, AS_THE_SOURCE) for source in sources} or {AS_THE_SOURCE}
    return tuple(sorted(found, key=lambda each: (not each.title, each.title, each.taxes, each.shipping)))


@cache
def load_net_sales() -> Mapping[str, NetSales]:
    """Return what net sales include, by the name of the platform.

    Raises
    ------
    UsageError
        The file has another schema, or an unknown value.
    """
    document = read_yaml(PLATFORMS)
    assert document is not None
    keys = document.fields(("schema", "platforms"))
    if keys["schema"].text() != NET_SALES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: no list of what net sales include")
    return {name: _net_sales(entry) for name, entry in keys["platforms"].mapping().items()}


def _net_sales(entry: YamlEntry) -> NetSales:
    keys = entry.fields(("title", "taxes", "shipping"), ("gift_cards",))
    for name, allowed in (("taxes", TAXES), ("shipping", SHIPPING), ("gift_cards", GIFT_CARDS)):
        if name in keys and keys[name].text() not in allowed:
            raise UnknownNameError("word", keys[name].text(), allowed, where=keys[name].where)
    return NetSales(**{name: value.text() for name, value in keys.items()})
