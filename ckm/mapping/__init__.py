"""From the columns of a source to the columns of a table: what a mapping says, and doing it."""
