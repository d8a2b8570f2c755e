"""Read customers' files: what they are, what they say, and what could not be read."""
