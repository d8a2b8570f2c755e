"""Customer network: relations, hierarchies, dependencies and their roll-ups, for :mod:`ckm.network`."""
