from __future__ import annotations

import pytest

from ckm.example.shop import ExampleShop, write_shop
from ckm.example.world import World, make_world
from tests._churn.shops import example_world


@pytest.fixture(scope="session")
def world() -> World:
    return example_world()


@pytest.fixture(scope="session")
def other_world() -> World:
    """The story of another seed, for what must hold of every shop."""
    return make_world(8)


@pytest.fixture(scope="session")
def shop(world: World, tmp_path_factory: pytest.TempPathFactory) -> ExampleShop:
    return write_shop(world, tmp_path_factory.mktemp("shop"))
