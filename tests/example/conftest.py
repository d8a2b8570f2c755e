from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckm.example import Shop, make_shop
from ckm.example.world import World, make_world

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(7)


@pytest.fixture(scope="session")
def other_world() -> World:
    """The story of another seed, for what must hold of every shop."""
    return make_world(8)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder: Path = tmp_path_factory.mktemp("shop")
    return make_shop(folder)
