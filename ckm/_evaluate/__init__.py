"""Internals of :mod:`ckm.evaluate`: return and efficiency of the customer knowledge programme."""
