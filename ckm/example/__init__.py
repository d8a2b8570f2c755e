"""The example shop: simulated customers from a seed, and the messy files that their shop would export.

:func:`make_shop` is the only function that the rest of ckm uses. Analyses read its files; only tests read ``truth/``.
"""

from ckm.example.generator import ExampleShop, make_shop

__all__ = ["ExampleShop", "make_shop"]
