"""Randomised experiments with a holdout: intervals of effects, power, sample ratio, adjustment; arrays in and out."""
