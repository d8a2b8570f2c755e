"""Read input files: detect their format, parse their records, and report rejected ones."""
