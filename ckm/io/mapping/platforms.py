"""The platforms that ``ckm/data/platforms`` describes, and the recognition of their exports."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from ckm.io.mapping.platform import Platform

FOLDER = "data/platforms"
NONE = "none"
"""``--platform none``: columns are mapped by name only."""


def recognise(columns: Sequence[str], sample: pl.DataFrame | None = None, table: str | None = None) -> Platform | None:
    """Return the platform whose fingerprint matches a file best; None if none matches, or two match equally well.

    Parameters
    ----------
    columns
        Columns of a file.
    sample
        First records of the file, for platforms that are recognised from column values.
    table
        Only platforms whose exports fill this table.
    """
    shares = [
        (platform.share(columns, sample), len(platform.fingerprint.columns), platform)
        for platform in platforms().values()
        if table is None or platform.mapping.table == table
    ]
    ranked = sorted((each for each in shares if each[0]), key=lambda each: each[:2], reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
        return None
    return ranked[0][2]


def known_platform(
    columns: Sequence[str], sample: pl.DataFrame | None = None, *, table: str | None = None, given: str | None = None
) -> Platform | None:
    """Return the platform that the user named, else the platform that is recognised; None without one.

    Parameters
    ----------
    columns, sample
        Columns and first records of the file.
    table
        The table to fill; None for any.
    given
        Name of a platform, or :data:`NONE`; None means recognition by the columns.

    Raises
    ------
    UnknownNameError
        The platform is unknown.
    UsageError
        The platform fills another table.
    """
    if given == NONE:
        return None
    if given is None:
        return recognise(columns, sample, table)
    platform = platform_named(given)
    if table is not None and platform.mapping.table != table:
        raise UsageError(
            f"{platform.title} fills {platform.mapping.table}, not {table}",
            hint=f"--platform {NONE}, or name another platform",
        )
    return platform


def platform_named(name: str) -> Platform:
    """Return the platform with this name.

    Raises
    ------
    UnknownNameError
        The platform is unknown.
    """
    if name not in platforms():
        raise UnknownNameError("platform", name, [*platforms(), NONE], where="--platform")
    return platforms()[name]


def platform_path(name: str) -> Path | None:
    """Return the description file of a platform; None if it is unknown."""
    path = Path(str(files("ckm").joinpath(FOLDER))) / f"{name}.yaml"
    return path if name.replace("-", "").isalnum() and path.is_file() else None


@cache
def platforms() -> dict[str, Platform]:
    """Return the platforms that come with ckm, by name."""
    from ckm.io.mapping.platform_file import read_platform  # import here: looking for one platform by name needs none

    folder = Path(str(files("ckm").joinpath(FOLDER)))
    found = [read_platform(path) for path in sorted(folder.glob("*.yaml"))]
    return {platform.name: platform for platform in found}
