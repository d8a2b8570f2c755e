"""What customers say: topics, kinds, polarity and mentions in the texts of interactions, without personal data."""
