"""The example shop: customers simulated from a seed, exported to files with the errors of real exports.

:func:`make_shop` is the only function that the rest of ckm uses. Analyses read the exported files; only tests read
``truth/``, the true values of the simulation.
"""

from ckm.example.generator import ExampleShop, make_shop

__all__ = ["ExampleShop", "make_shop"]
