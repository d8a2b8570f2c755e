"""Pages of the documentation, which are installed with ckm: ``ckm help mapping`` prints one."""

from __future__ import annotations

from pathlib import Path


def find_page(name: str) -> Path | None:
    """Return the file of a page, by its name (``mapping``) or its folder and name (``reference/check``).

    None if there is no such page.
    """
    folder = _folder()
    if "/" in name or name == "index":
        names = {page.relative_to(folder).with_suffix("").as_posix(): page for page in folder.glob("**/*.md")}
    else:
        names = {page.stem: page for page in folder.glob("*/*.md")}
    return names.get(name)


def _folder() -> Path:
    """Return the folder of the pages: within the installed package, else beside the package in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "docs"
    return installed if installed.exists() else package.parent / "docs"
