"""Mappings from the columns of a source to the columns of a table, and their application."""
