"""What a search needs of a workspace's settings, kept in the cache so that it reads no YAML while nothing changed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ckm import __version__
from ckm.knowledge.cache_folder import cache_folder, make_private
from ckm.knowledge.freshness import mark_of

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_NAME = "ckm.yaml"
"""As in :mod:`ckm.config`, whose import takes longer than a search."""
FILE = "settings.json"
NO_SETTINGS = frozenset({"CKM_CACHE", "CKM_FORMAT", "CKM_SHARED", "CKM_WORKSPACE"})
"""Variables that are no settings; with any other one of ckm's the settings are read as every command does."""


@dataclass(frozen=True)
class SearchSettings:
    """Part of :class:`ckm.settings.KbSettings`."""

    role: str | None = None
    prefer_lang: str | None = None
    log_queries: bool = False
    log_query_text: bool = False


def find_root(start: Path) -> Path | None:
    """Return the folder of the workspace around a folder; as :func:`ckm.config.find_workspace`."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / CONFIG_NAME)), None)


def search_settings(root: Path | None) -> SearchSettings:
    """Return the settings of the workspace at ``root``; without one the environment's and the defaults.

    Raises
    ------
    UsageError
        As :func:`ckm.config.load_config`.
    """
    from_environment = any(name.startswith("CKM_") and name not in NO_SETTINGS for name in os.environ)
    if from_environment or (root is not None and not os.access(root / CONFIG_NAME, os.R_OK)):
        return _read(root)
    if root is None:
        return SearchSettings()
    place = cache_folder(root) / FILE
    mark = [__version__, *mark_of((root / CONFIG_NAME).stat())]
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads(place.read_bytes())
        if kept["mark"] == mark:
            return SearchSettings(**kept["settings"])
    settings = _read(root)
    with suppress(OSError):
        _keep(place, {"mark": mark, "settings": asdict(settings)})
    return settings


def _read(root: Path | None) -> SearchSettings:
    from ckm.config import load_config

    kb = load_config(root).kb
    return SearchSettings(kb.role, kb.prefer_lang, kb.log_queries, kb.log_query_text)


def _keep(place: Path, plain: dict[str, object]) -> None:
    from ckm.errors import UsageError
    from ckm.files import replacing

    make_private(place.parent)
    with suppress(UsageError), replacing(place) as draft:
        draft.write_text(json.dumps(plain), encoding="utf-8")
