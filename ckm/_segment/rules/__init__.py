"""Rules that somebody wrote: conditions over features, and what is proved about them."""
