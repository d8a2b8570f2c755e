"""Spend of each customer over a horizon: candidates that compete on past windows, combined, with an interval."""
