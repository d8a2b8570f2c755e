"""Audiences: lists from analyses, suppressions, export files."""
