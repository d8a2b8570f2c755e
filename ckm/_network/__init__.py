"""Implementation of :mod:`ckm.network`: relations, hierarchies, dependencies, roll-ups and findings."""
