"""Internals of :mod:`ckm.audience`: candidates, suppressions, power, design, results, export files and remarks."""
