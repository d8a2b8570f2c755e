"""Outcomes of audiences: values per person, effects, the result file."""
