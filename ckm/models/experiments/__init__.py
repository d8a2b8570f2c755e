"""Statistics of randomised experiments with a holdout: intervals of effects, power, sample ratio, adjustment.

The functions have numbers and NumPy arrays as parameters and results; they read no tables.
"""
