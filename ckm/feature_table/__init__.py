"""From transactions to one row per customer, as of a day: the one door that every analysis goes through."""
