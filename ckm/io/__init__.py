"""Files in and out of tables: readers of file formats, conversion of values, mappings of columns, platforms."""
