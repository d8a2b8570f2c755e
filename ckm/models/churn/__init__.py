"""Models of who churns: they learn from how customers stood on past days, and what they did then."""
