"""Whatever bytes a file holds, ckm reads it or says why not: never a traceback, never a lost record."""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ckm.cli import app
from ckm.workspace import lay_out
from tests.conftest import examples
from tests.ingest.workspace import COUNTS, Desk

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", str(examples(8))))
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
COLUMNS = ("order_id", "line_no", "customer_id", "ordered_at", "quantity", "net", "currency", "type", "Notiz", "สาขา")
ROWS = [
    ("A1", "1", "007", "2025-01-05", "2", "1.234,50", "EUR", "sale", 'say "hi"\nthere', "กรุงเทพ"),
    ("A1", "2", "", "2025-01-25", "-1", "-3", "THB", "return", "", "Zürich"),
    ("", "", "c2", "31.12.2024", "x", "", "E", "", ";,\t|", "杭州"),
]


@cache
def whole_files() -> tuple[bytes, ...]:
    """Return the same few records in every format that ckm reads."""
    frame = pl.DataFrame(ROWS, schema=COLUMNS, orient="row")
    typed = frame.with_columns(
        pl.col("ordered_at").str.to_date(strict=False), pl.col("quantity").cast(pl.Float64, strict=False),
        pl.lit(1.5).alias("net"), pl.lit(b"\xff\x00").alias("bytes"), pl.lit([1, 2]).alias("list"),
    )  # fmt: skip
    text = frame.write_csv(separator=";")
    book, native, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frame.write_excel(book)
    typed.write_parquet(native)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", text)
    return (
        text.encode(),
        text.replace("\n", "\r").encode("utf-16"),
        frame.write_csv(separator="\t").encode("gb18030", "replace"),
        frame.write_ndjson().encode(),
        json.dumps(frame.to_dicts()).encode(),
        gzip.compress(text.encode()),
        packed.getvalue(),
        book.getvalue(),
        native.getvalue(),
    )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a good file after a few accidents: bytes cut out, put in, overwritten, said twice."""
    content = bytearray(draw(st.sampled_from(whole_files())))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 40))
        piece = draw(
            st.sampled_from([b"", b"\x00", b'"', b"\n", b";;;", b"\xff\xfe", b"{", b"]", b"1e999"])
            | st.binary(max_size=8)
        )
        match draw(st.sampled_from(["replace", "cut the end", "twice"])):
            case "replace":
                content[start : start + length] = piece
            case "cut the end":
                del content[start + length :]
            case "twice":
                content[start:start] = content[start : start + length]
    return bytes(content)


cells = st.text(max_size=6) | st.sampled_from(
    ["A1", "2025-01-05", "5", "EUR", "1,5", "03/04/2025", "-", "NaN", "inf", "1e308"]
)
tables = st.lists(st.lists(cells, min_size=5, max_size=7), min_size=1, max_size=6).map(
    lambda rows: "\n".join(
        ",".join(row) for row in [["order_id", "customer_id", "ordered_at", "net", "currency"], *rows]
    )
)


def check(content: bytes) -> None:
    """Inspect and load one file, and hold what comes out against the promises."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        lay_out(desk.root)
        path = desk.write("some.file", content)
        seen = CliRunner().invoke(app, ["inspect", str(path), "-f", "json"])
        assert seen.exit_code in (0, 2, 3), seen.output
        found = desk.call(path, "--as", "transactions", "--max-rejects", "100%", "-f", "json")
        [result] = json.loads(found.stdout)
        assert result["rows"] == sum(result[count] for count in COUNTS)
        if result["status"] == "failed":
            return
        [inspected] = json.loads(seen.stdout)
        assert result["rows"] == inspected["rows"] + inspected["rejected"]
        assert len(desk.table()) == result["accepted"]
        held = desk.store.quarantine()
        assert result["quarantined"] == (0 if held is None else len(held.collect()))
        for again in json.loads(desk.call("--requarantine", "-f", "json").stdout):
            assert again["status"] == "failed" or again["rows"] == result["quarantined"]


@pytest.mark.slow
@quick
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_a_reason(content: bytes) -> None:
    check(content)


@pytest.mark.slow
@quick
@given(damaged())
def test_a_damaged_file_of_any_format_is_read_or_refused_with_a_reason(content: bytes) -> None:
    check(content)


@pytest.mark.slow
@quick
@given(tables.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_cells_below_a_good_header_become_rows_or_are_quarantined(content: bytes) -> None:
    check(content)
