"""Commands, one file each: parse options, call one library function, print the result and remarks.

Each module has a ``register(app)`` that adds its commands. Nothing heavy (polars, scikit-learn, deltalake) is
imported before a command's body runs.
"""
