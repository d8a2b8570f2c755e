"""Internals of :mod:`ckm.nightly`: results of the steps, and the record of the last run."""
