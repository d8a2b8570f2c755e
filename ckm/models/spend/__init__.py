"""Spend of each customer over a horizon: candidates compared on past windows, combined, with a prediction interval."""
