"""The rooms of churn warning: what is known of customers, how they stood on a day, and how long is too long."""
