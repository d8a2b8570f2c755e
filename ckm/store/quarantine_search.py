"""Search for a customer's id in quarantined records: in JSON, or in text that could not be parsed."""

from __future__ import annotations

import csv
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = ",;\t|^~:\x1f"
"""Delimiters by which the text of a record is split: those that are detected, and others that exports use."""
PLAIN = re.compile(r"[A-Za-z0-9]+")
JSON_START = re.compile(r"\s*[\[{]")
JSON_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|[^\s,:{}\[\]"]+')
QUOTES = "\"'`“”„«»"
ESCAPE = "\\"


def names_customer(raw: pl.Series, customer_id: str) -> pl.Series:
    """Return which records contain the customer's id as a whole value.

    Parameters
    ----------
    raw
        Records as JSON objects, or the text of records that could not be parsed; null contains no id.
    customer_id
        The id as in the tables.

    Notes
    -----
    Blanks and quotes around a value are ignored. An id that is part of a longer value is another customer.
    A text with several possible delimiters is split by each of them, and by all of them except the colon.
    """
    core = max(PLAIN.findall(customer_id), key=len, default="")
    candidates = raw.str.contains(core, literal=True) | raw.str.contains(ESCAPE, literal=True)
    wanted = customer_id.strip()
    found = [bool(may) and wanted in {*values_of_record(text or "")} for text, may in zip(raw, candidates, strict=True)]
    return pl.Series(raw.name, found, dtype=pl.Boolean)


def values_of_record(text: str) -> Iterator[str]:
    """Yield every value that the text of a record may contain, without blanks around it."""
    if JSON_START.match(text):
        try:
            yield from _of_json(json.loads(text, parse_int=str, parse_float=str))
        except (ValueError, RecursionError):
            yield from _of_broken_json(text)
        else:
            return
    yield from _of_fields(text)


def _of_json(value: Any) -> Iterator[str]:
    """Yield the values of a JSON document, and the values inside texts that are JSON themselves."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _of_json(each)
    elif isinstance(value, list):
        for each in value:
            yield from _of_json(each)
    elif isinstance(value, str):
        yield value.strip()
        if JSON_START.match(value):
            yield from values_of_record(value)


def _of_broken_json(text: str) -> Iterator[str]:
    for token in JSON_TOKEN.finditer(text):
        inner = token[1]
        yield (token[0] if inner is None else inner).strip()
        if inner is not None:
            with suppress(ValueError):
                yield str(json.loads(f'"{inner}"')).strip()


def _of_fields(text: str) -> Iterator[str]:
    present = [delimiter for delimiter in DELIMITERS if delimiter in text]
    for line in {text, *text.splitlines()}:
        for delimiter in present or [" "]:
            yield from map(_bare, line.split(delimiter))
            for quote in "\"'":
                with suppress(csv.Error):
                    for row in csv.reader([line], delimiter=delimiter, quotechar=quote, skipinitialspace=True):
                        yield from (field.strip() for field in row)
        together = "".join(each for each in present if each != ":")
        if together:
            yield from map(_bare, re.split(f"[{re.escape(together)}]", line))
        yield _bare(line)


def _bare(field: str) -> str:
    """Return a field without its quotes and their escapes."""
    stripped = field.strip()
    bare = stripped.strip(QUOTES).strip() if stripped[:1] in QUOTES or stripped[-1:] in QUOTES else stripped
    return bare.replace('""', '"').replace(f'{ESCAPE}"', '"')
