"""What stands in a cell: numbers, dates and words as people write them, read without guessing."""
