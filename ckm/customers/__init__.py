"""Customer ledger: sums per customer and day, computed once from the transactions and read by all analyses.

Definitions, the same in every analysis:

- A **purchase** is a line that is neither cancelled nor a return and whose ``net`` is not negative.
- A **return** is a line of type ``return``, or with a negative ``net``. It reduces revenue and is no purchase.
- A **cancelled** line has type ``cancel``. It is no purchase and counts in no revenue.
- A **guest sale** is a line without a customer id. It counts in the shop's revenue and in no figure per customer.
- An **order** is a distinct ``order_id`` of a customer with at least one purchase line. It counts once, on the day of
  its first purchase line. A document with returns only is no order. Without an ``order_id``, all lines of a customer
  with the same time stamp are one order.
- A **purchase day** is a day, in the shop's time zone, on which an order of the customer begins. Purchase lines of an
  order on a later day count in the revenue of that day, but do not make it a purchase day.
"""
