"""Files of records: Parquet columns of every type, JSON of every shape, Excel cells of every sort."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import strategies as st

from tests.fuzz.case import Case

NAMES = ("order_id", "line_no", "customer_id", "ordered_at", "quantity", "net", "currency", "type", "Notiz", "สาขา", "")
GOOD = {
    "order_id": "A1", "line_no": "1", "customer_id": "007", "ordered_at": "2025-01-05", "quantity": "2", "net": "1.5",
    "currency": "EUR", "type": "sale",
}  # fmt: skip
TEXTS = st.text(max_size=8) | st.sampled_from(
    ["A1", "2025-01-05", "31.12.2024 23:59", "1,5", "1e999", "-0", "NaN", "EUR", "", " ", "\x00", "\ud800", "=1+1", "‮x"]
)
UTF8 = TEXTS.filter(lambda text: text.isprintable() or text.isascii()).map(
    lambda text: text.encode("utf-8", "replace").decode()
)
UNITS = ("s", "ms", "us", "ns")


def run_over(name: str, *options: str) -> tuple[tuple[str, ...], ...]:
    """Return the commands that read a file of records."""
    return (
        ("inspect", name, "-f", "json", *options),
        ("inspect", name, *options),
        ("ingest", name, "--as", "transactions", "--max-rejects", "100%", "-f", "json", *options),
        ("segment", name, "-f", "csv"),
    )


FLAT = st.sampled_from(
    [
        *(pa.null(), pa.bool_(), pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()),
        *(pa.binary(16), pa.binary(3), pa.binary_view(), pa.uuid(), pa.date32(), pa.date64(), pa.time32("ms")),
        *(pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()),
        *(pa.time64("us"), pa.time64("ns"), pa.float16(), pa.float32(), pa.float64()),
        *(pa.decimal32(5, 2), pa.decimal64(18, 0), pa.decimal128(38, 10), pa.decimal256(70, 3)),
        *(pa.timestamp(unit, zone) for unit in UNITS for zone in (None, "UTC", "+05:30", "Europe/Berlin")),
        *(pa.duration(unit) for unit in UNITS),
        *(pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.int64())),
    ]
)
TYPES = st.recursive(
    FLAT,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda dtype: pa.list_(dtype, 2)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda types: pa.struct([(f"f{at}", dtype) for at, dtype in enumerate(types)])
        ),
        inner.map(lambda dtype: pa.map_(pa.string(), dtype)),
    ),
    max_leaves=4,
)


def value_of(dtype: pa.DataType) -> st.SearchStrategy[Any]:
    """Return a strategy of values of an Arrow type, null among them."""
    kinds = pa.types
    plain: st.SearchStrategy[Any] = st.none()
    if kinds.is_boolean(dtype):
        plain = st.booleans()
    elif kinds.is_integer(dtype):
        bits = dtype.bit_width
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kinds.is_signed_integer(dtype) else (0, 2**bits - 1)
        plain = st.integers(low, high)
    elif kinds.is_floating(dtype):
        plain = st.floats(width={16: 16, 32: 32}.get(dtype.bit_width, 64))  # type: ignore[arg-type]
    elif kinds.is_decimal(dtype):
        digits = 10 ** min(dtype.precision, 28) - 1
        plain = st.integers(-digits, digits).map(lambda whole: Decimal(whole).scaleb(-dtype.scale))
    elif kinds.is_fixed_size_binary(dtype):
        plain = st.binary(min_size=dtype.byte_width, max_size=dtype.byte_width)
    elif isinstance(dtype, pa.UuidType):
        plain = st.uuids().map(lambda found: found.bytes)
    elif kinds.is_binary(dtype) or kinds.is_large_binary(dtype) or kinds.is_binary_view(dtype):
        plain = st.binary(max_size=5)
    elif kinds.is_string(dtype) or kinds.is_large_string(dtype) or kinds.is_string_view(dtype):
        plain = UTF8
    elif kinds.is_date(dtype):
        plain = st.dates() if dtype == pa.date64() else st.dates() | st.integers(-(2**31), 2**31 - 1)
    elif kinds.is_time(dtype):
        plain = st.times().map(lambda found: found.replace(microsecond=found.microsecond // 1000 * 1000))
    elif kinds.is_timestamp(dtype) or kinds.is_duration(dtype):
        plain = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-(10**10), 10**10)
    elif kinds.is_dictionary(dtype):
        return value_of(dtype.value_type)
    elif kinds.is_map(dtype):
        plain = st.lists(st.tuples(UTF8, value_of(dtype.item_type)), max_size=2)
    elif kinds.is_fixed_size_list(dtype):
        plain = st.lists(value_of(dtype.value_type), min_size=dtype.list_size, max_size=dtype.list_size)
    elif kinds.is_list(dtype) or kinds.is_large_list(dtype):
        plain = st.lists(value_of(dtype.value_type), max_size=3)
    elif kinds.is_struct(dtype):
        plain = st.fixed_dictionaries({each.name: value_of(each.type) for each in dtype})
    return st.none() | plain


@st.composite
def parquet_cases(draw: st.DrawFn) -> Case:
    """Return a Parquet file with good columns and odd ones in one or two row groups."""
    rows = draw(st.integers(0, 4))
    columns: dict[str, pa.Array] = {
        name: pa.array([good] * rows, pa.string()) for name, good in GOOD.items() if draw(st.integers(0, 5))
    }
    odd = draw(st.dictionaries(st.sampled_from(NAMES) | UTF8, TYPES, min_size=1, max_size=3))
    values = {name: draw(st.lists(value_of(dtype), min_size=rows, max_size=rows)) for name, dtype in odd.items()}
    group_rows = draw(st.integers(1, 4))
    made = io.BytesIO()
    try:
        columns |= {name: pa.array(values[name], dtype) for name, dtype in odd.items()}
        pq.write_table(pa.table(columns), made, row_group_size=group_rows)
    except (pa.ArrowException, OverflowError):  # a type that Parquet does not have, or a time that pyarrow cannot write
        return Case(())
    return Case(run_over("odd.parquet"), {"odd.parquet": made.getvalue()})


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.sampled_from([10**400, -(2**63), 1e-320, "1" * 400])
)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES) | TEXTS, JSON_VALUES, max_size=3).map(lambda odd: {**GOOD, **odd})
SHAPES: dict[str, Callable[[list[Any]], str]] = {
    "lines": lambda found: "\n".join(map(json.dumps, found)),
    "array": json.dumps,
    "indented": lambda found: json.dumps(found, indent=1, ensure_ascii=False),
    "wrapped": lambda found: json.dumps({"data": found, "next": None}),
    "nested": lambda found: json.dumps({"a": {"b": found}}),
    "one after the other": lambda found: " ".join(map(json.dumps, found)),
    "twice the key": lambda found: "\n".join(json.dumps(one)[:-1] + ', "net": 1}' for one in found if one),
    "one": lambda found: json.dumps(found[0] if found else None),
}


@st.composite
def json_cases(draw: st.DrawFn) -> Case:
    """Return JSON of records and other values in some arrangement."""
    found = draw(st.lists(RECORDS | RECORDS | JSON_VALUES, max_size=4))
    text = draw(st.sampled_from(sorted(SHAPES)).map(SHAPES.__getitem__))(found)
    return Case(run_over("odd.json"), {"odd.json": text.encode("utf-8", "surrogatepass")})


CELLS = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-(10**20), 10**20), UTF8, st.sampled_from(sorted(GOOD.values())),
    st.dates(date(1900, 1, 1)), st.datetimes(datetime(1900, 1, 1)), st.times(), st.timedeltas(timedelta(0)),
    st.sampled_from(["=1/0", "=A1", '="x"&1', "=NA()", "{=1}", "=TODAY()"]),
)  # fmt: skip
FORMATS = st.sampled_from(
    [None, "yyyy-mm-dd", "hh:mm", "[h]:mm", "0.00%", "@", "General", '#,##0 "€"', "[$-409]d-mmm", ";;;"]
)


@st.composite
def excel_cases(draw: st.DrawFn) -> Case:
    """Return a workbook of one or two sheets with cells of every sort around a good header."""
    made = io.BytesIO()
    options = {"nan_inf_to_errors": True, "date_1904": draw(st.booleans()), "remove_timezone": True}
    with xlsxwriter.Workbook(made, options) as book:
        for _ in range(draw(st.integers(1, 2))):
            sheet = book.add_worksheet()
            top, left = draw(st.integers(0, 3)), draw(st.integers(0, 2))
            for column, name in enumerate(draw(st.permutations(sorted(GOOD)))):
                sheet.write_string(top, left + column, name)
                for row in range(1, draw(st.integers(1, 4))):
                    odd = draw(st.booleans())
                    form = book.add_format({"num_format": shown} if (shown := draw(FORMATS)) else {})
                    value = draw(CELLS) if odd else GOOD[name]
                    if isinstance(value, date | datetime | time | timedelta):
                        sheet.write_datetime(top + row, left + column, value, form)
                    else:
                        sheet.write(top + row, left + column, value, form)
            if draw(st.booleans()):
                sheet.merge_range(10, 0, 11, 2, draw(UTF8))
    return Case(run_over("odd.xlsx"), {"odd.xlsx": made.getvalue()})
