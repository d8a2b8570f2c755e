"""What is measured of customers and their loyalty: rooms that :mod:`ckm.loyalty` puts together."""
