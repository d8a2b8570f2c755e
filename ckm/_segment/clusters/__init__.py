"""Clusters that come out again: what is learned, and names for it."""
