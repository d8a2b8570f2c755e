"""Score CSV readers on the Pollock benchmark of malformed files.

Usage: ``python bench/pollock.py [READER...]`` (default: all). The files are read from ``$CKM_SHARED/csv/pollock``
(default ``../shared/data``).

After Vitagliano, Hameed, Jiang, Reisener, Wu and Naumann, "Pollock: A Data Loading Benchmark", PVLDB 16(8), 2023,
section 5. Each polluted file is loaded with the reader's own detection, no parameters given, and compared with its
clean version:

- *success*: 1 if the reader gave a table at all.
- *header*, *record*, *cell*: precision, recall and F1 of the multiset of column names, of rows and of cells. Here
  precision is the share of what was loaded that is right and recall the share of what is right that was loaded
  (the benchmark's code has the two names the other way round; their sum is the same). Where nothing is expected
  and nothing loaded, all three are 1. A file without header expects no names.
- *simple*: the sum of the ten means over files, 10 at best.
- *weighted*: as simple, but files are weighted by how often customers' files are polluted that way, by our own
  reading of the paper's survey of 3,712 open-data files (table 2): every pollution type counts as a whole, whatever
  the number of its files. The 84 files with an extra quote are one type, as the one file with a preamble is.
- *lost*: files in which a record of the file is neither loaded nor rejected with its line. Only ckm rejects, so for
  the others a file counts as soon as fewer records were loaded than it has; silent loss is what hurts in practice.
- *crashed*: files with an exception; for ckm, one that is not a CkmError.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import time
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(os.environ.get("CKM_SHARED", Path(__file__).parents[1] / "../shared/data")).resolve() / "csv/pollock"
MEASURES = ("header_p", "header_r", "header_f1", "record_p", "record_r", "record_f1", "cell_p", "cell_r", "cell_f1")


@dataclass(frozen=True)
class Loaded:
    """A table as a reader gave it: names (null for none), rows of text, and how many records it says it rejected."""

    header: list[str] | None
    rows: list[tuple[str, ...]]
    rejected: int = 0


def text(value: object) -> str:
    return "" if value is None else str(value)


def from_frame(names: Sequence[str], rows: Sequence[Sequence[object]], rejected: int = 0) -> Loaded:
    return Loaded(list(names), [tuple(map(text, row)) for row in rows], rejected)


def ckm(path: Path) -> Loaded:
    from ckm.io.readers.read import open_source

    rows: list[tuple[str, ...]] = []
    rejected = 0
    with open_source(path) as source:
        for batch in source.batches():
            rows += [tuple(map(text, row)) for row in batch.records.rows()]
            rejected += batch.rejected.height
        header = list(source.format.columns) if source.format.header_line else None
    return Loaded(header, rows, rejected)


def polars_default(path: Path) -> Loaded:
    import polars as pl

    frame = pl.read_csv(path, infer_schema=False)
    return from_frame(frame.columns, frame.rows())


def polars_tolerant(path: Path) -> Loaded:
    import polars as pl

    frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True, ignore_errors=True)
    return from_frame(frame.columns, frame.rows())


def pyarrow_skipping(path: Path) -> Loaded:
    import pyarrow as pa
    import pyarrow.csv as pc

    parse = pc.ParseOptions(invalid_row_handler=lambda row: "skip", newlines_in_values=True)
    head = pc.open_csv(path, parse_options=parse).schema.names
    convert = pc.ConvertOptions(column_types=dict.fromkeys(head, pa.string()), strings_can_be_null=False)
    table = pc.read_csv(path, parse_options=parse, convert_options=convert)
    return from_frame(table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True)))


def duckdb_sniffing(path: Path, options: str = "") -> Loaded:
    """Let DuckDB find the header with types on, as it does by default, and read everything as text then."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            sniffed = connection.execute(f"SELECT HasHeader FROM sniff_csv(?{options})", [str(path)]).fetchone()
        except duckdb.Error:
            sniffed = None
        header = f", header={str(sniffed[0]).lower()}" if sniffed else ""
        found = connection.execute(f"SELECT * FROM read_csv(?, all_varchar=true{header}{options})", [str(path)])
        names = [column[0] for column in found.description or []]
        loaded = from_frame(names, found.fetchall())
        return Loaded(loaded.header if sniffed and sniffed[0] else None, loaded.rows)


def duckdb_tolerant(path: Path) -> Loaded:
    return duckdb_sniffing(path, ", ignore_errors=true, strict_mode=false, null_padding=true")


def pandas_default(path: Path) -> Loaded:
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return from_frame([str(name) for name in frame.columns], frame.values.tolist())


def clevercsv_default(path: Path) -> Loaded:
    import clevercsv

    rows = clevercsv.read_table(str(path))
    return from_frame(rows[0], rows[1:]) if rows else Loaded(None, [])


READERS: dict[str, Callable[[Path], Loaded]] = {
    "ckm": ckm,
    "polars": polars_default,
    "polars tolerant": polars_tolerant,
    "pyarrow, skipping": pyarrow_skipping,
    "DuckDB": duckdb_sniffing,
    "DuckDB ignore_errors": duckdb_tolerant,
    "pandas": pandas_default,
    "CleverCSV": clevercsv_default,
}


def expected(name: str) -> Loaded:
    """Read the clean version; whether it has a header is what its parameters say."""
    parameters = json.loads((ROOT / "parameters" / f"{name}_parameters.json").read_text(encoding="utf-8"))
    with (ROOT / "clean" / name).open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    return Loaded(list(rows[0]), rows[1:]) if parameters["header_lines"] else Loaded(None, rows)


def overlap(found: Counter[object], wanted: Counter[object]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of multisets."""
    if not wanted:
        return (1.0, 1.0, 1.0) if not found else (0.0, 1.0, 0.0)
    right = (found & wanted).total()
    if not right:
        return 0.0, 0.0, 0.0
    precision, recall = right / found.total(), right / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def score(loaded: Loaded, clean: Loaded) -> list[float]:
    """Return success and the nine measures.

    A reader that always takes the first row for a header is not held to have found one where there is none: its
    names are then a record, as in the benchmark's own code.
    """
    rows = loaded.rows
    if clean.header is None and loaded.header is not None and clean.rows:
        rows = [tuple(loaded.header), *rows]
    header = overlap(Counter(loaded.header or []), Counter(clean.header)) if clean.header else (1.0, 1.0, 1.0)
    record = overlap(Counter(rows), Counter(clean.rows))
    cell = overlap(Counter(c for row in rows for c in row), Counter(c for row in clean.rows for c in row))
    return [1.0, *header, *record, *cell]


def physical_records(path: Path, clean: Loaded) -> int:
    """Count the records of a polluted file: its lines that are not blank, without header and preamble."""
    parameters = json.loads((ROOT / "parameters" / f"{path.name}_parameters.json").read_text(encoding="utf-8"))
    with io.StringIO(path.read_text(encoding="utf-8"), newline=None) as lines:
        filled = sum(bool(line.strip()) for line in lines)
    return filled - parameters["header_lines"] - parameters["preamble_lines"]


def pollution(name: str) -> str:
    return re.sub(r"_?(row|col)?\d+(_|(?=\D|$))", "_", name.removesuffix(".csv")).strip("_")


def run(reader: Callable[[Path], Loaded]) -> dict[str, object]:
    by_type: dict[str, list[list[float]]] = defaultdict(list)
    crashed, lost, worst = 0, 0, []
    started = time.perf_counter()
    for path in sorted((ROOT / "csv").iterdir()):
        clean = expected(path.name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                loaded = reader(path)
            points = score(loaded, clean)
            lost += len(loaded.rows) + loaded.rejected < physical_records(path, clean)
        except Exception as error:  # whatever a reader throws is a failure to load
            points = [0.0] * 10
            crashed += 1
            worst.append((0.0, path.name, type(error).__name__))
        else:
            worst.append((sum(points), path.name, ""))
        by_type[pollution(path.name)].append(points)
    everything = [points for files in by_type.values() for points in files]
    means = [sum(column) / len(everything) for column in zip(*everything, strict=True)]
    typed = [sum(map(sum, files)) / len(files) for files in by_type.values()]
    return {
        "means": means,
        "simple": sum(means),
        "weighted": sum(typed) / len(typed),
        "crashed": crashed,
        "lost": lost,
        "seconds": time.perf_counter() - started,
        "worst": sorted(worst)[:12],
        "files": len(everything),
    }


def main() -> None:
    names = sys.argv[1:] or list(READERS)
    columns = ("reader", "success", *MEASURES, "simple", "weighted", "lost", "crashed", "seconds")
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for name in names:
        result = run(READERS[name])
        means = " | ".join(f"{mean:.4f}" for mean in result["means"])
        tail = f"{result['simple']:.3f} | {result['weighted']:.3f} | {result['lost']} | {result['crashed']}"
        print(f"| {name} | {means} | {tail} | {result['seconds']:.1f} |", flush=True)
        if len(names) == 1:
            for points, file, error in result["worst"]:
                print(f"  {points:.3f} {file} {error}")


if __name__ == "__main__":
    main()
