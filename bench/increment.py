"""Claim: 100,000 new lines are loaded into 20 million and the new warnings listed, in at most 15 s together.

The file is loaded into a workspace whose warnings were listed once (untimed, by ``--model scorecard``, which is the
cheapest). Then a week of new lines is loaded, and ``ckm churn-warn --new-only`` lists the warnings that are new or
worse: by all models, and by the scorecard alone.

Usage: ``python bench/increment.py FILE.parquet FOLDER``; ``bench/make_orders_parquet.py`` makes the file.
"""

from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
from make_orders_parquet import DAYS, START, write
from measure import CKM, machine, run

NEW_LINES = 100_000
WEEK = 7 * 86_400
BAR = 15
HORIZON = "90d"


def write_new_lines(target: Path) -> None:
    """Write order lines of the week after the days of the file."""
    write(target, NEW_LINES, seed=8)
    second = pl.col("order_id").str.slice(1).cast(pl.Int64) * 2_654_435_761 % WEEK
    moment = pl.lit(START + timedelta(DAYS)).dt.replace_time_zone("UTC") + pl.duration(seconds=second)
    lines = pl.read_parquet(target)
    lines.with_columns(
        order_id="N" + pl.col("order_id"), ordered_at=moment.cast(pl.Datetime("us", "UTC"))
    ).write_parquet(target)


def main(path: Path, folder: Path) -> None:
    shop, lines = folder / "increment", folder / "new_lines.parquet"
    shutil.rmtree(shop, ignore_errors=True)
    write_new_lines(lines)
    ingest = [*CKM, "ingest", "-q", "--as", "transactions", "-C", str(shop)]
    warn = [*CKM, "churn-warn", "-q", "--horizon", HORIZON, "-C", str(shop), "-o", str(folder / "warnings.parquet")]

    def step(what: str, command: list[str]) -> float:
        done = run(command)
        assert done.code == 0, done.code
        print(f"{what:44} {done}", flush=True)
        return done.wall

    run([*CKM, "init", str(shop)])
    step("load the file", [*ingest, str(path)])
    step("first warnings, scorecard", [*warn, "--model", "scorecard"])
    load = step(f"load {NEW_LINES:,} new lines", [*ingest, str(lines)])
    both = load + step("churn-warn --new-only --model scorecard", [*warn, "--new-only", "--model", "scorecard"])
    print(f"together {both:.1f} s (at most {BAR})")
    both = load + step("churn-warn --new-only", [*warn, "--new-only"])
    print(f"together {both:.1f} s (at most {BAR})")
    print(machine("polars", "deltalake", "scikit-learn"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
