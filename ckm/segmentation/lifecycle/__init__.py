"""The life cycle: states by each customer's own rhythm, and the balance of customers per period."""
