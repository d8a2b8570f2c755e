"""Manifests of runs: inputs, settings, code version and output files of each recorded command."""
