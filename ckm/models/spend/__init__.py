"""Forecast of each customer's spend over a horizon: an ensemble of three models, with a prediction interval."""
