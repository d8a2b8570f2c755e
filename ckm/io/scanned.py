"""Parquet files that lazy frames of this process read: a query fails far from the file, and the file is named here."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ckm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_hints: dict[Path, str] = {}
READERS = ("polars", "pyarrow", "pyo3_runtime", "deltalake", "_internal")
"""First names of the modules whose errors a damaged file causes; ``pyo3_runtime`` raises the panics of Rust."""


class DamagedFileError(InputError):
    """A file whose content cannot be read."""

    code = "damaged-file"


def remember(files: Iterable[Path], hint: str) -> None:
    """Note that a lazy frame reads these files, and what to do where one of them turns out to be damaged."""
    for file in files:
        _hints.pop(file, None)  # the newest stands last
        _hints[file] = hint


def forget() -> None:
    """Forget the files of an earlier command in this process."""
    _hints.clear()


def explain(error: BaseException) -> DamagedFileError | None:
    """Return which file caused ``error``, by reading the noted ones in full; None where all of them can be read.

    Those noted last come first: a damaged file of an earlier analysis of this process is not to blame for this one.
    """
    if not may_be_damage(error):
        return None
    for path, hint in reversed(_hints.items()):
        if why := unreadable(path):
            return DamagedFileError(f"{path}: {why}", hint=hint, file=str(path))
    return None


def may_be_damage(error: BaseException) -> bool:
    """Whether a file that cannot be read may be the cause."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in READERS


def unreadable(path: Path) -> str | None:
    """Return why a Parquet file cannot be read; None where every value of it was decoded."""
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
