"""Register the Parquet files of lazy frames, so that the error of a later query can name the damaged file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ckm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_hints: dict[Path, str] = {}
READERS = ("polars", "pyarrow", "pyo3_runtime", "deltalake", "_internal")
"""First names of the modules whose errors a damaged file can cause; ``pyo3_runtime`` raises Rust panics."""


class DamagedFileError(InputError):
    """A file whose content cannot be read."""

    code = "damaged-file"


def remember(files: Iterable[Path], hint: str) -> None:
    """Register files that a lazy frame reads, with the hint for a damaged one."""
    for file in files:
        _hints.pop(file, None)  # the newest is last
        _hints[file] = hint


def forget() -> None:
    """Forget the files of an earlier command in this process."""
    _hints.clear()


def explain(error: BaseException) -> DamagedFileError | None:
    """Return an error that names the registered file which cannot be read; None if all can be read.

    The newest files are read first, because a file of an earlier analysis is less likely to be the cause.
    """
    if not may_be_damage(error):
        return None
    for path, hint in reversed(_hints.items()):
        if why := unreadable(path):
            return DamagedFileError(f"{path}: {why}", hint=hint, file=str(path))
    return None


def may_be_damage(error: BaseException) -> bool:
    """Return whether a damaged file may be the cause."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in READERS


def unreadable(path: Path) -> str | None:
    """Return why a Parquet file cannot be read; None if every value can be decoded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return "the data file is missing"
    if not path.is_file():
        return "this is no file"
    try:
        with pq.ParquetFile(path) as file:  # pyarrow first: polars panics on some damage, and prints it
            for batch in file.iter_batches():
                del batch
        _decode_with_polars(path)
    except OSError as error:
        damaged = error.strerror is None or not error.errno
        return "the Parquet file is damaged" if damaged else f"the data file cannot be read: {error.strerror}"
    except (pa.ArrowException, ValueError, TypeError):
        return "the Parquet file is damaged"
    except BaseException as error:
        if type(error).__module__.partition(".")[0] not in READERS:
            raise
        return "the Parquet file is damaged"
    return None


def _decode_with_polars(path: Path) -> None:
    from polars.exceptions import ColumnNotFoundError

    from ckm.io.parquet_file import read_file, scan_file

    for name in scan_file(path).collect_schema():
        with suppress(ColumnNotFoundError):
            read_file(path, [name])
