"""Estimators: what is learned from numbers alone. They know nothing of files, tables or names of segments."""
