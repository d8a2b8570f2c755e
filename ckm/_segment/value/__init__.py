"""Segments by current value and headroom, with a check of the headroom on a later year."""
