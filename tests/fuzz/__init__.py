"""Structured fuzzing: inputs that are well formed and odd, through the real commands."""
