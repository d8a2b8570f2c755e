"""The example shop: a seeded world of customers, and the messy files that such a shop would export.

:func:`make_shop` is all that the rest of ckm needs. Analyses read the files it writes; only tests read ``truth/``.
"""

from ckm.example.shop import ExampleShop, make_shop

__all__ = ["ExampleShop", "make_shop"]
