"""Input: readers of file formats, parsers of values, and mappings of columns and platforms."""
