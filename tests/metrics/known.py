"""The example shop with its growth potential, computed once for all tests."""

from __future__ import annotations

from functools import cache

from ckm.metrics.context import ReportContext
from ckm.metrics.feature_sample import FeatureSample, read_features
from ckm.metrics.growth_potential import GrowthPotential, read_growth_potential
from ckm.metrics.lifetime import Lifetime, read_lifetime
from ckm.metrics.margin import Margin, read_margin
from tests.metrics.rows import context
from tests.metrics.stores import example_shop


@cache
def example_context() -> ReportContext:
    return context(example_shop())


@cache
def example_margin() -> Margin:
    return read_margin(example_context())


@cache
def example_sample() -> FeatureSample:
    return read_features(example_context())


@cache
def example_lifetime() -> Lifetime:
    found = read_lifetime(example_context(), example_margin())
    assert isinstance(found, Lifetime)
    return found


@cache
def example_growth_potential() -> GrowthPotential:
    found = read_growth_potential(example_context(), example_sample())
    assert isinstance(found, GrowthPotential)
    return found
