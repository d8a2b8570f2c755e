"""Return and efficiency of the programme."""
