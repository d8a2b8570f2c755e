"""Packed results of executors are unpacked unchanged, and the format runs no code."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ckm.customers.guests import Guests
from ckm.partitions.packed_results import LENGTH_BYTES, packed, unpacked
from ckm.remark import Importance, doubt


def sent(value: Any) -> Any:
    return unpacked(packed(value))


@pytest.mark.parametrize(
    "value",
    [None, True, 7, -(2**62), 0.1, float("inf"), "ä", date(2026, 2, 28), (1, [2.5, {"a": (None,)}], {3: "x"}), {1, 2},
     frozenset({"b"})],
    ids=repr,
)  # fmt: skip
def test_plain_values_are_unpacked_with_their_types(value: Any) -> None:
    assert sent(value) == value
    assert type(sent(value)) is type(value)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int8", "float64", "bool"])
def test_arrays_are_unpacked_with_dtype_and_shape(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    found = sent({"rows": array})["rows"]
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    assert np.isnan(sent(np.array([np.nan]))).all()


def test_frames_are_unpacked_with_the_types_of_their_columns() -> None:
    frame = pl.DataFrame({"who": ["a", None], "day": [date(2026, 1, 1), None], "level": ["x", "y"]}).with_columns(
        pl.col("level").cast(pl.Enum(["x", "y"]))
    )
    assert_frame_equal(sent(frame), frame)
    assert_frame_equal(sent((frame["who"],))[0].to_frame(), frame.select("who"))


def test_dataclasses_and_named_tuples_of_ckm_are_unpacked_field_by_field() -> None:
    guests = Guests(np.array([1], np.int32), np.array([2]), np.array([3]))
    found = sent([guests])[0]
    assert isinstance(found, Guests)
    assert {name: each.tolist() for name, each in vars(found).items()} == {"day": [1], "purchases": [2], "returns": [3]}


def test_remarks_keep_their_importance() -> None:
    found = sent((doubt("the data end early"),))[0]
    assert (found, found.importance) == ("the data end early", Importance.doubt)


def test_other_classes_are_refused_when_packing_and_unpacking() -> None:
    with pytest.raises(TypeError, match="object"):
        packed([object()])
    text = json.dumps({"class": ["subprocess", "Popen"], "fields": {"args": "true"}}).encode()
    with pytest.raises(TypeError, match="no module of ckm"):
        unpacked(len(text).to_bytes(LENGTH_BYTES, "little") + text)
