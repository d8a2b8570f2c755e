"""Exports of the example shop, one module per source; they contain errors that are typical of such exports."""
