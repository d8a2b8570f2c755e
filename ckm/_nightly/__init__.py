"""Insides of :mod:`ckm.nightly`: the steps' results, and the record of the last run."""
