"""Claim: no sentence of ckm churn-warn is false: every number of every reason is counted again in the raw rows.

Runs ``ckm churn-warn --all -f json`` on the example shop (ingested from its files), on all of CDNOW and on all of
Online Retail, as of several days and horizons, and counts every fact of every sentence again with plain polars over
the rows (``tests/_churn/recount.py``, which uses nothing of the ledger). Prints sentences, numbers and mistakes; exit
1 with mistakes.

Usage: ``python bench/reason_truth.py [--model NAME]`` (default: scorecard, which is quick; auto takes minutes).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
from measure import CKM, ROOT, SHARED, machine, run

sys.path.insert(0, str(ROOT))

from typing import TYPE_CHECKING

from ckm.dataset import open_dataset
from ckm.example import make_shop
from ckm.workspace import lay_out
from tests._churn.recount import SAYS, Recount

if TYPE_CHECKING:
    from collections.abc import Iterator


def example(folder: Path) -> tuple[Path, str]:
    lay_out(folder, currency="EUR", time_zone="Europe/Berlin")
    make_shop(folder, seed=7)
    files = sorted((folder / "incoming").iterdir())
    run([*CKM, "ingest", "-q", "--workspace", str(folder), *map(str, files)])
    return folder, "Europe/Berlin"


def cdnow(folder: Path) -> tuple[Path, str]:
    rows = [line.split() for line in (SHARED / "transactions" / "CDNOW_master.txt").read_text().splitlines()[1:]]
    frame = pl.DataFrame(
        [(f[0], f[1], float(f[3])) for f in rows if len(f) == 4], schema=["customer_id", "day", "net"], orient="row"
    )
    path = folder / "cdnow.parquet"
    day = pl.col("day").str.to_date("%Y%m%d")
    frame.select("customer_id", ordered_at=day, net="net", currency=pl.lit("USD")).write_parquet(path)
    return path, "UTC"


def online_retail(folder: Path) -> tuple[Path, str]:
    return SHARED / "transactions" / "online_retail_2009_2010.parquet", "UTC"


RUNS = (
    ("example shop", example, (date(2026, 6, 30), date(2025, 11, 14)), (60, 90)),
    ("CDNOW", cdnow, (date(1998, 3, 31), date(1997, 12, 15)), (60, 90)),
    ("Online Retail", online_retail, (date(2010, 12, 9), date(2010, 10, 5)), (30, 90)),
)


def warned(source: Path, as_of: date, horizon: int, model: str) -> list[dict[str, object]]:
    words = ["-C", str(source)] if source.is_dir() else [str(source)]
    options = ["--as-of", str(as_of), "--horizon", f"{horizon}d", "--model", model, "--all", "-f", "json", "-q"]
    done = run([*CKM, "churn-warn", *words, *options, *(["--dry-run"] if source.is_dir() else [])])
    return json.loads(done.stdout) if done.code == 0 else []


def checked(rows: list[dict[str, object]], truth: Recount) -> Iterator[tuple[str, list[str]]]:
    for row in rows:
        for reason in row["reasons"]:
            yield reason["code"], truth.mistakes(row["customer_id"], reason["code"], reason["text"])


def main(model: str) -> int:
    print(machine(), date.today(), sep="\n")
    print("data, day, horizon: customers, sentences, numbers, mistakes, codes said")
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        for name, make, days, horizons in RUNS:
            folder = Path(temporary, name)
            folder.mkdir()
            source, time_zone = make(folder)
            tables = open_dataset(source).tables
            transactions = tables["transactions"].collect()
            interactions = tables["interactions"].collect() if "interactions" in tables else None
            for as_of in days:
                for horizon in horizons:
                    rows = warned(source, as_of, horizon, model)
                    known = None if interactions is None else interactions.filter(pl.col("at").dt.date() <= as_of)
                    truth = Recount(transactions, as_of, horizon, time_zone, known)
                    found = list(checked(rows, truth))
                    wrong = [mistake for _, mistakes in found for mistake in mistakes]
                    numbers = sum(len(SAYS[code][1]) for code, _ in found)
                    codes = Counter(code for code, _ in found)
                    counts = (len(rows), len(found), numbers, len(wrong), len(codes))
                    print(f"{name}, {as_of}, {horizon}: {', '.join(f'{each:,}' for each in counts)}", flush=True)
                    for mistake in wrong[:5]:
                        print(f"    {mistake}")
                    failed |= bool(wrong) or not rows
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[2] if sys.argv[1:2] == ["--model"] else "scorecard"))
