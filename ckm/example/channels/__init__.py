"""Exports of the shop, one module per channel; they contain typical errors."""
