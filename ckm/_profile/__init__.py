"""Implementation of :mod:`ckm.profile`: the sections of a customer profile, and its output."""
