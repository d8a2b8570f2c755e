"""Load the word lists of ckm."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, cast

import yaml


@cache
def load_data(name: str) -> dict[str, Any]:
    """Return ``ckm/data/NAME``, a YAML file whose top level is a mapping."""
    text = files("ckm").joinpath("data", name).read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.load(text, Loader=yaml.CSafeLoader))
