"""One file per command: parse, call one library function, emit, remark.

Each module has a ``register(app)`` that adds its commands. Nothing heavy (polars, scikit-learn, deltalake) is
imported before a command's body runs.
"""
