"""Stray NUL bytes, files in two encodings, and total rows of narrow tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.io.readers.read import open_source

HEADER = "order_id,customer_id,ordered_at,net"
LINES = [f"A{n},C{n % 7},2025-01-{n % 28 + 1:02},{n}.50" for n in range(1, 60)]
PLAIN = "\n".join([HEADER, *LINES]) + "\n"


def read(tmp_path: Path, content: bytes) -> tuple[pl.DataFrame, pl.DataFrame, str | None, list[tuple[int | None, str]]]:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with open_source(path) as source:
        batches = list(source.batches())
        records = pl.concat([batch.records for batch in batches])
        rejected = pl.concat([batch.rejected for batch in batches])
        return records, rejected, source.format.encoding, source.problems


NULS = {
    "one": PLAIN.encode()[:101] + b"\0" + PLAIN.encode()[101:],
    "one a line": PLAIN.encode().replace(b",C", b",\0C"),
    "at even places": b"".join(
        line + b"\0" * (1 + len(line) % 2) + b"\n" for line in PLAIN.encode().splitlines()
    ),
    "padding to a length": b"".join(line.ljust(40, b"\0") + b"\n" for line in PLAIN.encode().splitlines()),
    "behind letters of two bytes": PLAIN.replace(",C", ",Ö\0C").encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", NULS)
def test_text_with_stray_nul_bytes_is_not_read_as_utf16(tmp_path: Path, kind: str) -> None:
    records, rejected, encoding, problems = read(tmp_path, NULS[kind])
    assert (encoding, records.height, rejected.height) == ("utf-8", len(LINES), 0)
    assert records["order_id"].to_list() == [f"A{n}" for n in range(1, 60)]
    assert any("NUL bytes" in text for _, text in problems)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["C", "Zoë", "ลูกค้า", "上海客户", "مشتری"])
def test_utf16_without_a_byte_order_mark_is_detected(tmp_path: Path, encoding: str, name: str) -> None:
    records, rejected, found, _ = read(tmp_path, PLAIN.replace(",C", f",{name}").encode(encoding))
    assert (found, records.height, rejected.height) == (encoding, len(LINES), 0)
    assert records["customer_id"][0] == f"{name}1"


TWO_SETS = [("Zoë Müller", "cp1252"), ("Łódź, Żółw".replace(",", ""), "cp1250"), ("กรุงเทพ มหานคร", "cp874")]


@pytest.mark.parametrize(("name", "other"), TWO_SETS)
def test_lines_in_another_encoding_are_decoded_and_named(tmp_path: Path, name: str, other: str) -> None:
    lines = PLAIN.replace(",C", f",{name}").splitlines(keepends=True)
    content = "".join(lines[:25]).encode() + "".join(lines[25:]).encode(other)
    records, rejected, _, problems = read(tmp_path, content)
    assert rejected.is_empty()
    assert records["customer_id"].str.starts_with(name).all()
    [(line, text)] = [problem for problem in problems if "mixed" in problem[1]]
    assert line == 2
    assert text.startswith("mixed encodings: 24 lines are UTF-8 (lines 2, 3, 4, 5, 6, …)")


@pytest.mark.parametrize(("name", "other"), TWO_SETS)
def test_a_few_lines_that_are_not_utf8_are_rejected_and_named(tmp_path: Path, name: str, other: str) -> None:
    lines = PLAIN.replace(",C", f",{name}").splitlines(keepends=True)
    content = "".join(lines[:50]).encode() + "".join(lines[50:]).encode(other)
    records, rejected, encoding, problems = read(tmp_path, content)
    assert (encoding, records.height, rejected.height) == ("utf-8", 49, 10)
    assert rejected["line"].to_list() == list(range(51, 61))
    assert (51, "mixed encodings: 10 lines are not UTF-8, unlike the others (lines 51, 52, 53, 54, 55, …)") in problems


def test_chinese_lines_that_are_accidentally_utf8_are_not_mixed_encodings(tmp_path: Path) -> None:
    names = ["联通", "王小明", "上海", "北京", "李四", "张三丰", "广州", "深圳", "成都", "杭州"]
    text = "id,name\n" + "".join(f"{n},{names[n % 10]}\n" for n in range(60))
    records, _, encoding, problems = read(tmp_path, text.encode("gb18030"))
    assert (encoding, problems) == ("gb18030", [])
    assert records["name"].to_list() == [names[n % 10] for n in range(60)]


TOTALS = {
    "under dates": "day;net\n2025-01-01;10,50\n2025-01-02;20\nSumme;31\n",
    "under codes": "order_id,net\nA1,10\nA2,20\nTotal,30\n",
    "under names, and it is the sum": "customer,net\nAnna,10.25\nBo,5\nTotal,15.25\n",
    "of three full columns": "day,orders,net\n2025-01-01,1,10\n2025-01-02,2,20\nTotal:,3,30\n",
    "with a thousands mark": 'customer,net\nAnna,"1,000.00"\nBo,"2,500.50"\nTotal,"3,500.50"\n',
}


@pytest.mark.parametrize("kind", TOTALS)
def test_a_total_row_without_empty_cells_is_not_a_record(tmp_path: Path, kind: str) -> None:
    records, rejected, _, _ = read(tmp_path, TOTALS[kind].encode())
    assert records.height == 2
    assert rejected["reason"].to_list() == ["total row"]


def test_a_customer_named_like_a_total_is_a_record(tmp_path: Path) -> None:
    records, rejected, _, _ = read(tmp_path, b"customer,net\nShell,10\nAral,20\nTotal,7\n")
    assert (records.height, rejected.height) == (3, 0)
