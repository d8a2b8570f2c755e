"""One module per channel: each writes the file that the channel would export, mess included."""
