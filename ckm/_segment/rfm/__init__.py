"""Recency, frequency and money: scores and names."""
