"""User-written rules: conditions over features."""
