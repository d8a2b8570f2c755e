"""Creation of a workspace: its folders, and the ``ckm.yaml`` that documents every setting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from ckm.config import CONFIG_NAME, Config, Workspace, load_config
from ckm.errors import UsageError
from ckm.files import OWNER_ONLY_FOLDER, replacing
from ckm.setting_values import parse_currency
from ckm.time_zones import parse_time_zone

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = {
    "incoming": "files as they come, for the patterns of the mappings",
    "maps": "one mapping per source",
    "kb": "knowledge entries",
    "out": "results",
}
PERSONAL = ("incoming", "out")
"""Folders with personal data, created for their owner only."""
GITIGNORE = "# What ckm can make again from the incoming files.\nstore/\nout/\n"


@dataclass(frozen=True)
class Layout:
    """Result of :func:`lay_out`: the workspace, and the names that were created or rewritten."""

    workspace: Workspace
    written: tuple[str, ...]


def template(*, currency: str = Config.currency, time_zone: str = Config.time_zone) -> str:
    """Return the text of a new ``ckm.yaml``: every setting with its default and an explanation."""
    text = files("ckm").joinpath("data", CONFIG_NAME).read_text(encoding="utf-8")
    for key, value in (("currency", parse_currency(currency)), ("time_zone", parse_time_zone(time_zone))):
        text = re.sub(rf"^{key}: \S+", f"{key}: {value}", text, count=1, flags=re.MULTILINE)
    return text


def lay_out(
    root: Path, *, currency: str = Config.currency, time_zone: str = Config.time_zone, force: bool = False
) -> Layout:
    """Create a workspace at ``root``, which may exist and contain other files.

    Parameters
    ----------
    root
        The folder; it and its parents are created.
    currency, time_zone
        Values written to ``ckm.yaml``.
    force
        Whether to overwrite an existing ``ckm.yaml``. Other existing files are never changed.

    Raises
    ------
    UsageError
        ``root`` has a ``ckm.yaml`` and ``force`` is off, or it cannot be written, or a setting is invalid.
    """
    text = template(currency=currency, time_zone=time_zone)
    config = root / CONFIG_NAME
    if config.exists() and not force:
        raise UsageError(f"{config} is there already", hint="--force writes it anew; nothing else is touched")
    written = [CONFIG_NAME]
    with replacing(config, shared=True) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            (root / folder).mkdir(mode=OWNER_ONLY_FOLDER if folder in PERSONAL else 0o777)
            written.append(f"{folder}/")
    if not (root / ".gitignore").exists():
        (root / ".gitignore").write_text(GITIGNORE, encoding="utf-8", newline="\n")
        written.append(".gitignore")
    return Layout(Workspace(root.resolve(), load_config(root)), tuple(written))
