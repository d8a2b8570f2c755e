"""Manifests of runs: what a command read, with which settings and code, and the files that it wrote."""
