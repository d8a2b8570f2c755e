"""Stable clusters by k-means, and their names."""
