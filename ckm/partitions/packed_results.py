"""Serialisation of executors' results as bytes: a JSON description, followed by arrays and frames.

The format has data only: arrays in NumPy's file format, frames in Arrow's file format, dataclasses and named tuples of
ckm by the names of their fields. Unlike a pickle, it runs no code of the sender when it is read.
"""

from __future__ import annotations

import io
import json
from dataclasses import fields, is_dataclass
from datetime import date
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from ckm.remark import Importance, Remark

PACKAGE = "ckm."
"""Only classes of these modules are made."""
LENGTH_BYTES = 8


def packed(value: Any) -> bytes:
    """Return a value serialised as bytes, for :func:`unpacked`.

    Parameters
    ----------
    value
        None, a truth value, number, text, remark, date, NumPy array of numbers, polars frame or series; a list, tuple,
        set or mapping of these types; or a dataclass or named tuple of ckm with fields of these types.

    Raises
    ------
    TypeError
        The value contains a value of another type.
    """
    binary: list[bytes] = []
    text = json.dumps(_described(value, binary)).encode()
    return b"".join(len(each).to_bytes(LENGTH_BYTES, "little") + each for each in (text, *binary))


def unpacked(data: Any) -> Any:
    """Return the value that :func:`packed` serialised; ``data`` is a buffer of bytes."""
    view, parts, at = memoryview(data), [], 0
    while at < len(view):
        length = int.from_bytes(view[at : at + LENGTH_BYTES], "little")
        at += LENGTH_BYTES
        parts.append(view[at : at + length])
        at += length
    return _value(json.loads(bytes(parts[0])), parts[1:])


def _described(value: Any, binary: list[bytes]) -> Any:
    """Return the JSON description of a value, and append its arrays and frames to ``binary``."""
    if isinstance(value, Remark):
        return {"remark": [str(value), int(value.importance)]}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, float) and not isinstance(value, np.generic):
        return {"float": value.hex()}
    file = io.BytesIO()
    if isinstance(value, np.ndarray | np.generic):
        np.save(file, np.asarray(value), allow_pickle=False)
        name = "array"
    elif isinstance(value, pl.DataFrame | pl.Series):
        frame, name = (value, "frame") if isinstance(value, pl.DataFrame) else (value.to_frame(), "series")
        frame.write_ipc(file)
    else:
        return _described_group(value, binary)
    binary.append(file.getvalue())
    return {name: len(binary) - 1}


def _described_group(value: Any, binary: list[bytes]) -> dict[str, Any]:
    kind = type(value)
    is_ours = kind.__module__.startswith(PACKAGE)
    if is_ours and (is_dataclass(value) or hasattr(value, "_fields")):
        names = [each.name for each in fields(value) if each.init] if is_dataclass(value) else value._fields
        own = {name: _described(getattr(value, name), binary) for name in names}
        return {"class": [kind.__module__, kind.__qualname__], "fields": own}
    if isinstance(value, dict):
        return {"mapping": [[_described(key, binary), _described(each, binary)] for key, each in value.items()]}
    for name, group in GROUPS.items():
        if kind is group:
            return {name: [_described(each, binary) for each in value]}
    raise TypeError(f"a result of an executor contains {kind.__module__}.{kind.__qualname__}")


GROUPS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def _value(described: Any, binary: list[memoryview]) -> Any:
    if not isinstance(described, dict):
        return described
    if "class" in described:
        module, name = described["class"]
        if not module.startswith(PACKAGE):
            raise TypeError(f"{module} is no module of ckm")
        kind = getattr(import_module(module), name)
        return kind(**{name: _value(each, binary) for name, each in described["fields"].items()})
    if "mapping" in described:
        return {_value(key, binary): _value(each, binary) for key, each in described["mapping"]}
    [(name, content)] = described.items()
    if name in GROUPS:
        return GROUPS[name](_value(each, binary) for each in content)
    if name == "remark":
        return Remark(content[0], Importance(content[1]))
    if name == "float":
        return float.fromhex(content)
    if name == "date":
        return date.fromisoformat(content)
    if name == "array":
        array = np.load(io.BytesIO(binary[content]), allow_pickle=False)
        return array if array.ndim else array[()]
    frame = pl.read_ipc(io.BytesIO(binary[content]))
    return frame if name == "frame" else frame.to_series()
