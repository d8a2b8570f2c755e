"""Splink on a file of records, as its documentation links such data; prints its F1 at its best threshold.

Usage: ``python bench/link_splink.py FILE ID TRUTH``. A process of its own, so that its memory is its own.
"""

from __future__ import annotations

import logging
import sys

import polars as pl

try:
    import pandas as pd  # splink takes its frames
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI
except ImportError:
    sys.exit("Splink is not installed: pip install splink")

from link import f1

logging.disable(logging.WARNING)
NAMES = {"first_name", "given_name"}
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def comparison(name: str) -> object:
    if name in NAMES or name in {"surname", "last_name"}:
        return cl.NameComparison(name).configure(term_frequency_adjustments=True)
    if name in {"dob", "date_of_birth", "birth_date"}:
        return cl.LevenshteinAtThresholds(name, [1, 2])
    if name == "email":
        return cl.EmailComparison(name)
    return cl.LevenshteinAtThresholds(name, [1, 3]).configure(term_frequency_adjustments=True)


def main(path: str, identifier: str, truth: str) -> None:
    rows = pl.read_csv(path, infer_schema=False).rename({identifier: "unique_id"})
    names = [
        name
        for name in rows.columns
        if name not in {"unique_id", truth, "country", "state", "address_2", "street_number"}
    ]
    frame = pd.DataFrame(rows.select("unique_id", *names).to_dict(as_series=False))
    given, surname = names[0], names[1]
    rules = [block_on(given, surname)] + [block_on(name) for name in names if name not in {given, "city", "suburb"}]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparison(name) for name in names],
        blocking_rules_to_generate_predictions=rules,
    )
    database = DuckDBAPI()
    linker = Linker(database.register(frame), settings)
    linker.training.estimate_probability_two_random_records_match([block_on(given, surname)], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in (block_on(given), block_on(surname)):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    best = (0.0, 0.0)
    for threshold in THRESHOLDS:
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_probability=threshold
        )
        persons = pl.from_pandas(found.as_pandas_dataframe()[["unique_id", "cluster_id"]].astype(str))
        joined = rows.select("unique_id", truth).join(persons, on="unique_id")
        best = max(best, (f1(joined["cluster_id"], joined[truth])[0], threshold))
    print(f"{best[0]:.4f} {best[1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
