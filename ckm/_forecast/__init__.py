"""Weekly demand by product or category, and by segment of the customers."""
