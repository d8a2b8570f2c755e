"""Segmentation methods, their fitted definitions, and segment changes between runs."""
