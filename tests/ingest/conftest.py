from __future__ import annotations

from pathlib import Path

import pytest

from ckm.workspace import lay_out
from tests.ingest.workspace import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    lay_out(tmp_path / "shop")
    return Desk(tmp_path / "shop")
