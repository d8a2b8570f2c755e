"""One module per channel, which writes its export with all its errors."""
