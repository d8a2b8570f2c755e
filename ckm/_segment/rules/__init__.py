"""User-written rules: conditions over features, and the proof that every rule is reachable."""
