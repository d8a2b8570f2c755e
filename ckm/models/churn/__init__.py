"""Churn models, trained on features of customers at past cut-offs and the outcome in the horizon after them."""
