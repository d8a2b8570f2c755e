"""Load files into the store: convert, hold against the contract, quarantine what breaks it, commit the rest.

No record is lost: for every file that is loaded, rows = accepted + updated + unchanged + duplicates + quarantined.
"""
