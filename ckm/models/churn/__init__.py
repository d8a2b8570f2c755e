"""Churn models, trained on features of customers at past cut-offs and the outcome after them."""
