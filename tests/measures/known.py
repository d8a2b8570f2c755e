"""The example shop with what the rooms of capacity say of it, made once for all tests."""

from __future__ import annotations

from functools import cache

from ckm.measures.basis import Basis
from ckm.measures.capacity import Capacity, read_capacity
from ckm.measures.lifetime import Lifetime, read_lifetime
from ckm.measures.margin import Margin, read_margin
from ckm.measures.sample import FeatureSample, read_features
from tests.measures.rows import basis
from tests.measures.stores import example_shop


@cache
def example_basis() -> Basis:
    return basis(example_shop())


@cache
def example_margin() -> Margin:
    return read_margin(example_basis())


@cache
def example_sample() -> FeatureSample:
    return read_features(example_basis())


@cache
def example_lifetime() -> Lifetime:
    found = read_lifetime(example_basis(), example_margin())
    assert isinstance(found, Lifetime)
    return found


@cache
def example_capacity() -> Capacity:
    found = read_capacity(example_basis(), example_sample())
    assert isinstance(found, Capacity)
    return found
