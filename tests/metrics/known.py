"""The example shop with what the rooms of capacity say of it, made once for all tests."""

from __future__ import annotations

from functools import cache

from ckm.metrics.context import Basis
from ckm.metrics.growth_potential import Capacity, read_capacity
from ckm.metrics.lifetime import Lifetime, read_lifetime
from ckm.metrics.margin import Margin, read_margin
from ckm.metrics.feature_sample import FeatureSample, read_features
from tests.metrics.rows import basis
from tests.metrics.stores import example_shop


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
