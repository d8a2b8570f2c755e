"""Churn warnings: snapshots, horizon, reasons, suppressions, levels, expected gain and model card."""
