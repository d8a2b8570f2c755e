"""Refusal of URLs as paths: commands read and write files of this machine, and Spark alone reads and writes URLs."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ckm.errors import UsageError
from ckm.files import path_of, refuse_url, url_of

if TYPE_CHECKING:
    from pathlib import Path

OF_SPARK = {"segment": ("data", "output"), "churn-warn": ("data",), "loyalty-report": ("data",)}
"""By command, the parameters that may be a URL with ``--engine spark``."""


def refuse_urls(command: Any) -> None:
    """Wrap the callback of a command, so that it refuses a URL as the path of a file or folder.

    Otherwise it would write a folder of the name ``s3:``.
    """
    run = command.callback
    if run is None:
        return

    paths = [param.name for param in command.params if param.type.name == "path"]

    @wraps(run)
    def wrapped(**given: Any) -> Any:
        for name in paths:
            values = given[name]
            for value in values if isinstance(values, list | tuple) else [values]:
                if value is not None:
                    _check(command.name, name, path_of(str(value)), by_spark=given.get("engine") == "spark")
        return run(**given)

    command.callback = wrapped


def _check(command: str, name: str, path: Path, *, by_spark: bool) -> None:
    allowed = OF_SPARK.get(command, ())
    if by_spark and name in allowed:
        return
    if name == "data" and name in allowed and (url := url_of(path)):
        raise UsageError(f"{url}: only Spark reads a URL", hint="add --engine spark; or copy it to this machine")
    refuse_url(path)
