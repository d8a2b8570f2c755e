"""Internals of :mod:`ckm.outcome`: values of a metric per person, effects, and the file of the outcome."""
