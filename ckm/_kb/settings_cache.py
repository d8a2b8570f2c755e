"""The search settings of a workspace from the cache, so that a search parses no YAML while ckm.yaml is unchanged."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ckm._kb.cache_file import read_header, try_write_cache_file
from ckm._kb.cache_folder import cache_folder
from ckm._kb.fingerprint import mark_of

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_NAME = "ckm.yaml"
"""As in :mod:`ckm.config`, whose import takes longer than a search."""
FILE = "settings.json"
NO_SETTINGS = frozenset({"CKM_CACHE", "CKM_FORMAT", "CKM_SHARED", "CKM_WORKSPACE"})
"""Environment variables that are not settings. Any other ``CKM_`` variable bypasses the cache."""


@dataclass(frozen=True)
class SearchSettings:
    """The part of :class:`ckm.settings.KbSettings` that a search uses."""

    role: str | None = None
    prefer_lang: str | None = None
    log_queries: bool = False
    log_query_text: bool = False
    encoder: str | None = None


def find_root(start: Path) -> Path | None:
    """Return the folder of the workspace around a folder; as :func:`ckm.config.find_workspace`."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / CONFIG_NAME)), None)


def search_settings(root: Path | None) -> SearchSettings:
    """Return the settings of the workspace at ``root``; without a workspace those of the environment and the defaults.

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
    path = cache_folder(root) / FILE
    kind = f"settings {mark_of((root / CONFIG_NAME).stat())}"
    with suppress(TypeError):
        if (cached := read_header(path, kind)) is not None:
            return SearchSettings(**cached)
    settings = _read(root)
    try_write_cache_file(path, kind, values=asdict(settings))
    return settings


def _read(root: Path | None) -> SearchSettings:
    from ckm.config import load_config

    kb = load_config(root).kb
    return SearchSettings(kb.role, kb.prefer_lang, kb.log_queries, kb.log_query_text, kb.encoder)
