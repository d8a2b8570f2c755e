"""Statistical models. Functions take and return arrays or polars expressions, and read no files or tables."""
