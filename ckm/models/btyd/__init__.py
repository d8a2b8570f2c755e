"""Buy-till-you-die models: probability and number of future orders, by frequency, recency and tenure."""
