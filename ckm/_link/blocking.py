"""Candidate pairs: pairs of records that share a key of one or two fields (blocking)."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes: TypeAlias = NDArray[np.uint64]
    Pairs: TypeAlias = NDArray[np.int64]
    Key: TypeAlias = tuple[Hashes, NDArray[np.bool_]]

PAIRS_PER_RECORD, MOST_PAIRS = 6.0, 1_200_000
"""Most pairs that one kind of key adds, per record, and in all for tables of up to :data:`MANY` records; the smallest
blocks are taken first. A person with thirteen records has six pairs per record."""
MANY, FURTHER_PAIRS = 400_000, 0.5
"""Records from which each further record adds ``FURTHER_PAIRS`` pairs per kind of key, to bound time and memory."""
LARGEST_BLOCK = 50
"""Most records that share a key which says something."""
MIXER = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier for the combination of two hashes (2^64 divided by the golden ratio)."""
NAMES = ("given_name", "surname")
WORDS = ("city", "street", "birth_place", "occupation")
"""Other fields of words."""
START, PHONE_END = 3, 7
"""Characters at the start of a word, and digits at the end of a telephone number, that make a key."""
MOST_WAITING = 20_000_000
"""Pairs that are collected before duplicates are removed: 160 MB."""


def candidate_pairs(records: pl.DataFrame) -> tuple[Pairs, Pairs]:
    """Return the row numbers of the records of each candidate pair: ``left < right``, sorted, without repeats.

    Two records are a candidate pair if they have a key in common. A key is a value, a part of a value (the start of a
    word, day and month of a date, the mailbox of an e-mail address), or a combination of two keys of different fields.
    Given name and surname are one field with two values, because some records have them in exchanged order.

    Parameters
    ----------
    records
        Normalised fields; one row per record.
    """
    n = len(records)
    keys = _keys(records)
    most = min(PAIRS_PER_RECORD * n, MOST_PAIRS + FURTHER_PAIRS * max(0, n - MANY))
    found, waiting = [np.empty(0, dtype=np.int64)], 0
    complete: set[str] = set()
    for kind in [(key,) for key in keys] + [*combinations(keys, 2)]:
        if _field(kind[0]) == _field(kind[-1]) and len(kind) > 1:
            continue
        if not complete.isdisjoint(kind):
            continue  # all pairs with this combined key are already found by one of its keys
        hashes, known = keys[kind[0]]
        for other in kind[1:]:
            hashes, known = _joined((hashes, known), keys[other])
        left, right, all_blocks = _within_blocks(hashes, np.flatnonzero(known), n, most)
        if len(kind) == 1 and all_blocks:
            complete.add(kind[0])
        found.append(np.minimum(left, right) * n + np.maximum(left, right))
        waiting += len(left)
        if waiting > MOST_WAITING:
            found, waiting = [distinct(found)], 0
    left, right = np.divmod(distinct(found), n)
    return left, right


def _field(key: str) -> str:
    return key.partition(":")[0]


def _keys(records: pl.DataFrame) -> dict[str, Key]:
    """Return by ``field:part`` the hash of each record's key, and whether the record has the key; shape (records,).

    The arrays of a key of names have shape (2 * records,): all given names come first, then all surnames.
    """
    parts: dict[str, list[pl.Expr]] = {}
    for name in records.columns:
        value = pl.col(name)
        if name in NAMES:
            parts.setdefault("name:value", []).append(value)
            parts.setdefault("name:start", []).append(value.str.slice(0, START))
            continue
        parts[f"{name}:value"] = [value]
        if name == "birth_date":
            parts["birth_date:month"] = [value.str.slice(0, 6)]
            parts["birth_date:day"] = [value.str.slice(4)]
            parts["birth_date:without month"] = [value.str.slice(0, 4) + value.str.slice(6)]
        elif name == "email":
            parts["email:mailbox"] = [value.str.split("@").list.first()]
            parts["email:host"] = [value.str.split("@").list.last()]
            parts["email:start"] = [value.str.slice(0, START + 1)]
        elif name == "phone":
            parts["phone:end"] = [value.str.tail(PHONE_END)]
        elif name in WORDS:
            parts[f"{name}:start"] = [value.str.slice(0, START)]
    if set(NAMES) <= set(records.columns):
        for part, names in (("value", [pl.col(name) for name in NAMES]),
                            ("start", [pl.col(name).str.slice(0, START) for name in NAMES])):  # fmt: skip
            both = pl.min_horizontal(names) + "|" + pl.max_horizontal(names)
            parts[f"both names:{part}"] = [
                pl.when(pl.all_horizontal(pl.col(name).is_not_null() for name in NAMES)).then(both)
            ]
    found: dict[str, Key] = {}
    for key, values in parts.items():
        columns = records.select(value.alias(str(place)) for place, value in enumerate(values))
        hashes = [column.hash(0).to_numpy() for column in columns]
        known = [column.is_not_null().to_numpy() for column in columns]
        found[key] = np.concatenate(hashes), np.concatenate(known)
    return found


def _joined(key: Key, other: Key) -> Key:
    """Return the combination of two keys; each of the two values of a name is combined with the other key."""
    length = max(len(key[0]), len(other[0]))
    hashes, known = zip(*((np.resize(each, length) for each in one) for one in (key, other)), strict=True)
    return hashes[0] * MIXER ^ (hashes[1] + MIXER), known[0] & known[1]


def _within_blocks(hashes: Hashes, rows: Pairs, records: int, most: float) -> tuple[Pairs, Pairs, bool]:
    """Return pairs of records with equal hashes (left, right), and whether these are all pairs with equal hashes.

    The smallest blocks come first, until there are about ``most`` pairs.
    """
    bits = np.uint64(len(hashes).bit_length())
    keyed = (hashes[rows] >> bits << bits) | rows.astype(np.uint64)  # one sort of integers instead of an argsort
    keyed.sort()
    values = keyed >> bits
    is_first = np.append(True, values[1:] != values[:-1]) if len(values) else np.empty(0, dtype=np.bool_)
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.append(starts, len(values)))
    left, right, total = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], 0.0
    largest = int(sizes.max(initial=0))
    complete = largest <= LARGEST_BLOCK
    order = (keyed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    for size in range(2, min(largest, LARGEST_BLOCK) + 1):
        blocks = starts[sizes == size]
        total += len(blocks) * size * (size - 1) / 2
        if total > most:
            complete = False
            break
        if len(blocks):
            members = order[blocks[:, None] + np.arange(size)] % records
            a, b = np.triu_indices(size, 1)
            left.append(members[:, a].ravel())
            right.append(members[:, b].ravel())
    one, other = np.concatenate(left), np.concatenate(right)
    return one[one != other], other[one != other], complete


def distinct(keys: list[Pairs]) -> Pairs:
    """Return the distinct keys of several arrays, sorted; many times faster than ``np.unique``, which hashes them."""
    found = np.concatenate(keys)
    found.sort()
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found
