"""Buy-till-you-die models: the probability that a customer orders again, by frequency, recency and tenure."""
