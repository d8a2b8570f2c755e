"""The ways to segment customers: what each learns from them (a definition), and what became of them since (moves)."""
