"""Convert Parquet columns to types of polars; unsupported types become text, with a remark.

Arrow has more types than polars: some are refused, some cause a Rust panic, which cannot be caught cleanly. So types
that may be unsupported are converted in pyarrow first, by column type only, so that all batches are alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

Form = Literal["native", "text", "uuid", "hex", "json", "duration", "none"]
DECIMAL_DIGITS = 38
"""Maximum digits of a polars decimal; longer decimals become floats, longer whole numbers text."""
FARTHEST = 73_000_000
"""Maximum distance of a date from 1970 in days (200,000 years): polars panics on dates much further away."""
UNITS_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000}
"""Time units per day; nanoseconds need no limit, because 64 bits end in the year 2262."""
TOO_FAR = "dates more than 200,000 years away were limited to that range"
NOT_UTF8 = "invalid UTF-8 was replaced by U+FFFD"


@dataclass(frozen=True)
class ColumnForm:
    """Conversion of a column.

    Attributes
    ----------
    form
        ``native`` columns keep their type; all others become text.
    type
        The type in the file.
    cast
        Type to which pyarrow casts a native column first; None if unchanged.
    remark
        Remark for the user; None if none.
    """

    form: Form
    type: pa.DataType
    cast: pa.DataType | None = None
    remark: str | None = None

    @property
    def is_nested(self) -> bool:
        """Whether a value is a list or a record."""
        return self.form == "json"

    @property
    def polars_type(self) -> pl.DataType | None:
        """Return the type as which polars reads the column with equal values; None if only pyarrow can."""
        import pyarrow as pa
        from pyarrow import types

        if self.cast is not None:
            return None
        if self.form == "text":
            return pl.String() if types.is_string(self.type) or types.is_large_string(self.type) else None
        return _as_series(pa.array([], self.type)).dtype if self.form == "native" else None

    def read(self, column: pa.Array, remark: Callable[[str], None]) -> pl.Series:
        """Return the converted values of a batch; ``remark`` is called with each remark."""
        return _READERS[self.form](_storage(column), self, remark)


def column_form(name: str, dtype: pa.DataType) -> ColumnForm:
    """Return the conversion of a column by its Arrow type; binary becomes hex text, see :func:`is_text`."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(dtype, pa.UuidType):
        return ColumnForm("uuid", dtype)
    inner = _unwrapped(dtype)
    called = f"column '{name}'"
    if types.is_null(inner):
        return ColumnForm("none", dtype)
    if types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner):
        return ColumnForm("text", dtype)
    if types.is_binary(inner) or types.is_large_binary(inner) or types.is_binary_view(inner):
        return ColumnForm("hex", dtype, remark=f"{called} contains binary data, which was read as hexadecimal")
    if types.is_fixed_size_binary(inner):
        return ColumnForm("hex", dtype, remark=f"{called} contains binary data, which was read as hexadecimal")
    if types.is_nested(inner):
        return ColumnForm("json", dtype, remark=f"{called} contains lists or records, which were read as JSON text")
    if types.is_duration(inner):
        return ColumnForm("duration", dtype)
    if types.is_decimal(inner):
        return _decimal(called, dtype, inner)
    if types.is_timestamp(inner) and inner.tz is not None and not _is_known_zone(inner.tz):
        return ColumnForm("native", dtype, pa.timestamp(inner.unit, "UTC"))
    if isinstance(dtype, pa.Bool8Type):
        return ColumnForm("native", dtype, pa.bool_())
    if types.is_float16(inner):
        return ColumnForm("native", dtype, pa.float32())
    if types.is_boolean(inner) or types.is_integer(inner) or types.is_floating(inner) or types.is_temporal(inner):
        return ColumnForm("native", dtype, None if inner == dtype else inner)
    return ColumnForm("none", dtype, remark=f"{called} was skipped: unsupported type {inner}")


def polars_reads(dtype: pa.DataType) -> bool:
    """Return whether polars' Parquet reader accepts a file with a column of this type, read or skipped."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(dtype, pa.BaseExtensionType):
        return polars_reads(dtype.storage_type)
    if types.is_dictionary(dtype):
        return polars_reads(dtype.value_type)
    if types.is_list_view(dtype) or types.is_large_list_view(dtype) or types.is_decimal256(dtype):
        return False
    if types.is_timestamp(dtype):
        return dtype.tz is None or _is_known_zone(dtype.tz)
    return all(polars_reads(dtype.field(at).type) for at in range(dtype.num_fields))


def farthest_of(dtype: pl.DataType) -> int | None:
    """Return the maximum distance of a date of this type from 1970, in its unit; None if the type itself is limited."""
    if dtype == pl.Date:
        return FARTHEST
    units = UNITS_PER_DAY.get(dtype.time_unit) if isinstance(dtype, pl.Datetime) else None
    return None if units is None else FARTHEST * units


def has_empty_arrays(dtype: pa.DataType) -> bool:
    """Return whether a type contains arrays of length 0, which pyarrow writes but cannot read."""
    from pyarrow import types

    inner = _unwrapped(dtype)
    if types.is_fixed_size_list(inner) and inner.list_size == 0:
        return True
    return any(has_empty_arrays(inner.field(at).type) for at in range(inner.num_fields))


def as_text_form(form: ColumnForm) -> ColumnForm:
    """Return the conversion of a binary column that contains only text, as old writers store text."""
    return ColumnForm("text", form.type)


def is_text(column: pa.Array) -> bool:
    """Return whether every value of a binary column is UTF-8 without control characters."""
    values = _as_series(_storage(column))
    if values.dtype != pl.Binary:
        return False
    try:
        texts = values.cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return not texts.str.contains(r"[\x00-\x08\x0e-\x1f\x7f]").any()


def _decimal(called: str, dtype: pa.DataType, inner: pa.DataType) -> ColumnForm:
    import pyarrow as pa

    if inner.precision <= DECIMAL_DIGITS:
        plain = pa.decimal128(inner.precision, inner.scale)
        return ColumnForm("native", dtype, None if plain == dtype else plain)
    if inner.scale:
        return ColumnForm(
            "native", dtype, pa.float64(), f"{called} has {inner.precision} digits; about 16 of them are kept"
        )
    return ColumnForm("text", dtype, pa.string())


def _unwrapped(dtype: pa.DataType) -> pa.DataType:
    """Return the type of the values, without extension and dictionary types around it."""
    import pyarrow as pa
    from pyarrow import types

    while True:
        if isinstance(dtype, pa.BaseExtensionType):
            dtype = dtype.storage_type
        elif types.is_dictionary(dtype):
            dtype = dtype.value_type
        else:
            return dtype


def _storage(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    while True:
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        elif isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        else:
            return column


@cache
def _is_known_zone(zone: str) -> bool:
    try:
        pl.Series([0], dtype=pl.Int64).cast(pl.Datetime("us", zone))
    except pl.exceptions.PolarsError:
        return False
    return zone[:1].isalpha()  # polars turns +02:00 into a zone of its own


def _as_series(column: pa.Array) -> pl.Series:
    found = pl.from_arrow(column)
    assert isinstance(found, pl.Series)
    return found


def _native(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    return limited(_as_series(column if form.cast is None else column.cast(form.cast, safe=False)), remark)


def limited(values: pl.Series, remark: Callable[[str], None]) -> pl.Series:
    """Return values with dates limited to :data:`FARTHEST` days from 1970; ``remark`` is called if any is farther."""
    farthest = farthest_of(values.dtype)
    if farthest is None:
        return values
    numbers = values.to_physical()
    if numbers.is_between(-farthest, farthest).all():
        return values
    remark(TOO_FAR)
    return numbers.clip(-farthest, farthest).cast(values.dtype)


def _text(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    """Return texts with invalid UTF-8 replaced, because polars does not check text from Arrow."""
    import pyarrow as pa
    from pyarrow import types

    if form.cast is not None:
        column = column.cast(form.cast)
    if types.is_string_view(column.type) or types.is_binary_view(column.type):
        column = column.cast(pa.large_binary(), safe=False)
    try:
        return _as_series(_as_bytes(column).cast(pa.large_string()))
    except pa.ArrowInvalid:
        remark(NOT_UTF8)
        values = (None if value is None else value.decode(errors="replace") for value in _as_bytes(column).to_pylist())
        return pl.Series(list(values), dtype=pl.String)


def _as_bytes(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    from pyarrow import types

    if types.is_string(column.type):
        return column.view(pa.binary()).cast(pa.large_binary())
    if types.is_large_string(column.type):
        return column.view(pa.large_binary())
    return column if types.is_large_binary(column.type) else column.cast(pa.large_binary())


def _uuid(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    """Return UUIDs in the format of RFC 9562: 8-4-4-4-12 hexadecimal digits."""
    digits = _as_series(column).bin.encode("hex")
    edges = (0, 8, 12, 16, 20, 32)
    parts = [pl.col("_").str.slice(a, b - a) for a, b in pairwise(edges)]
    return digits.to_frame("_").select(pl.concat_str(parts, separator="-")).to_series()


def _hex(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    return _as_series(column).bin.encode("hex")


def _duration(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    """Return durations in the format of ISO 8601: PT1H30M."""
    return _as_series(column).dt.to_string("iso")


def _none(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, len(column))


def _json(column: pa.Array, form: ColumnForm, remark: Callable[[str], None]) -> pl.Series:
    """Return lists and records as JSON; values that JSON cannot represent are null, with a remark."""
    texts = [
        None if value is None else json.dumps(_plain(value), ensure_ascii=False, default=str)
        for value in _python_values(column, remark)
    ]
    return pl.Series(texts, dtype=pl.String)


def _python_values(column: pa.Array, remark: Callable[[str], None]) -> Iterator[Any]:
    for scalar in column:
        try:
            yield scalar.as_py()
        except (ValueError, OverflowError, ArithmeticError):  # not UTF-8, or a date outside Python's range
            remark("lists or records with values that JSON cannot represent were skipped")
            yield None


def _plain(value: Any) -> Any:
    """Return an Arrow value as a JSON value; maps with text keys become objects, other maps lists of pairs."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(each, tuple) for each in value):
            keys = [each[0] for each in value]
            if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
                return {key: _plain(each) for key, each in value}
        return [_plain(each) for each in value]
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, float) and value - value != 0:  # JSON has neither infinity nor NaN
        return None
    return value


_READERS: dict[Form, Callable[[Any, ColumnForm, Callable[[str], None]], pl.Series]] = {
    "native": _native,
    "text": _text,
    "uuid": _uuid,
    "hex": _hex,
    "json": _json,
    "duration": _duration,
    "none": _none,
}
