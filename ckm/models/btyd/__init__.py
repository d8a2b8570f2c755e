"""Buy till you leave: how likely a customer is to order again, from how often and how lately they bought."""
