"""Parsers of cell values: numbers, dates and words in any common format; ambiguous formats are refused."""
