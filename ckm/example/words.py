"""Parameters and texts of the simulation, from YAML files in ``ckm/data/example``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def words(name: str) -> Any:
    """Return the content of ``ckm/data/example/NAME.yaml``; a file is read once and then cached."""
    text = files("ckm").joinpath("data", "example", f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
