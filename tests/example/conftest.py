from __future__ import annotations

import pytest

from ckm.example.generator import ExampleShop, write_shop
from ckm.example.simulation import Simulation, simulate
from tests._churn.shops import example_world


@pytest.fixture(scope="session")
def world() -> Simulation:
    return example_world()


@pytest.fixture(scope="session")
def other_world() -> Simulation:
    """The simulation of another seed, for properties that every seed must have."""
    return simulate(8)


@pytest.fixture(scope="session")
def shop(world: Simulation, tmp_path_factory: pytest.TempPathFactory) -> ExampleShop:
    return write_shop(world, tmp_path_factory.mktemp("shop"))
