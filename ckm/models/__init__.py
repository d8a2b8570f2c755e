"""Estimators: arrays in, arrays out. They do not know files, tables or segment names."""
