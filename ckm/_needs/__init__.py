"""Needs of customers: emerging topics, categories that similar customers buy next, workarounds, next items."""
