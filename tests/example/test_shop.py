from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ckm.example import make_shop

if TYPE_CHECKING:
    import pytest

    from ckm.example import Shop

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

COMMITTED = Path(__file__).parents[2] / "examples" / "shop"
MEGABYTE = 1_000_000


def _assert_same_file(one: Path, other: Path) -> None:
    """Compare text files by bytes, and Parquet and Excel files by content: their bytes depend on library versions."""
    if one.suffix == ".parquet":
        assert_frame_equal(pl.read_parquet(one), pl.read_parquet(other))
    elif one.suffix == ".xlsx":
        with zipfile.ZipFile(one) as left, zipfile.ZipFile(other) as right:
            assert {name: left.read(name) for name in left.namelist()} == {
                name: right.read(name) for name in right.namelist()
            }
    else:
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.usefixtures("small_shop")
def test_the_generator_gives_the_same_bytes_in_any_locale_and_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = make_shop(tmp_path / "once")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LC_ALL", "C")
    time.tzset()
    again = make_shop(tmp_path / "again")
    monkeypatch.delenv("TZ")
    time.tzset()
    assert again.files == once.files
    for name in once.files:
        assert (again.folder / name).read_bytes() == (once.folder / name).read_bytes(), name


def test_the_committed_shop_equals_the_output_of_the_generator(shop: Shop) -> None:
    on_disk = {path.relative_to(COMMITTED).as_posix() for path in COMMITTED.rglob("*") if path.is_file()}
    assert on_disk == set(shop.files)
    for name in shop.files:
        _assert_same_file(shop.folder / name, COMMITTED / name)


def test_the_shop_is_at_most_five_megabytes(shop: Shop) -> None:
    assert sum((shop.folder / name).stat().st_size for name in shop.files) <= 5 * MEGABYTE


def test_the_truth_is_outside_of_the_folder_that_is_loaded(shop: Shop) -> None:
    maps = [shop.folder / name for name in shop.files if name.startswith("maps/")]
    assert len(maps) == 6
    assert not any("truth" in each.read_text(encoding="utf-8") for each in maps)


def test_importing_the_generator_imports_nothing_heavy() -> None:
    program = "import ckm.example, sys; print(sorted({'polars', 'pyarrow', 'numpy', 'xlsxwriter'} & set(sys.modules)))"
    response = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert response.stdout.strip() == "[]"
