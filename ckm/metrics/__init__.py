"""Metrics of customers and loyalty: one module per section of the report of :mod:`ckm.loyalty`."""
