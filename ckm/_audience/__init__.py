"""Internals of :mod:`ckm.audience`: candidates, suppressions, design of the experiment, export files and remarks."""
