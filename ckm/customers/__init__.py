"""The customer ledger: the only way from transactions to numbers per customer.

What counts as what, for every analysis:

- a **purchase** is a line that is neither cancelled nor a return and whose ``net`` is not negative;
- a **return** (type ``return``, or a negative ``net``) takes money back and is no purchase;
- a **cancelled** line (type ``cancel``) is nothing at all: neither purchase nor money;
- a line without a customer is a **guest** sale: it is in the shop's revenue and belongs to no customer;
- an **order** is a distinct ``order_id`` of a customer with at least one purchase line; it counts once, on the day of
  the first of them. A document with returns only is no order. Where there is no ``order_id``, all lines of a customer
  with one time stamp are an order;
- a **purchase day** is a day, in the shop's time zone, on which an order of a customer begins. Purchase lines of an
  order on a later day are money of that day, and make it no purchase day.
"""
