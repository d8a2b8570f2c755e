"""Parsers of cell values: numbers, dates and words in any common format, without guessing."""
