"""Shell completion of methods, tables, topics and entry ids; no suggestions if the data cannot be read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm.names import FITTED_METHODS, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

RULE_SUFFIXES = (".yaml", ".yml")
"""Suffixes of a file of segment rules."""


def named_command() -> str | None:
    """Return the command in the line that the shell completes; None if the line has no command yet."""
    words = (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")).split()
    return words[1] if len(words) > 2 else None


def methods(incomplete: str) -> list[str]:
    """Return segment methods, and files of rules."""
    folder, _, begun = incomplete.rpartition("/")
    try:
        files = sorted(each.name for each in Path(folder or ("/" if "/" in incomplete else ".")).iterdir())
    except OSError:
        files = []
    rules = (name for name in files if name.endswith(RULE_SUFFIXES) and name != "ckm.yaml")
    paths = [incomplete[: len(incomplete) - len(begun)] + name for name in rules]
    return _beginning((*FITTED_METHODS, *paths), incomplete)


def tables(incomplete: str) -> list[str]:
    """Return the tables of the store."""
    return _beginning(TABLES, incomplete)


def entries(ctx: Any, incomplete: str) -> list[str]:
    """Return the entry ids of the knowledge base that ``--kb`` names, else of the workspace."""
    return _beginning(_labels(ctx, "id"), incomplete)


def topics(ctx: Any, incomplete: str) -> list[str]:
    """Return the topics of the knowledge base."""
    return _beginning(_labels(ctx, "topic"), incomplete)


def query_words(ctx: Any, incomplete: str) -> list[str]:
    """Return ``topic:NAME`` suggestions if the word begins with ``topic:``; none for other words."""
    found = re.fullmatch(r"topic:(.*)", incomplete)
    return [f"topic:{name}" for name in _beginning(_labels(ctx, "topic"), found[1])] if found else []


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]


def _labels(ctx: Any, label: str) -> list[str]:
    """Return the values of a label in the index of kb-search; nothing if there is no knowledge base."""
    from ckm._kb.knowledge_base import KnowledgeBase
    from ckm._kb.settings_cache import find_root
    from ckm.errors import CkmError

    folder, workspace = ctx.params.get("kb"), ctx.params.get("workspace")
    try:
        if folder is None:
            root = workspace or find_root(Path.cwd())
            folder = root and Path(root) / "kb"
        return KnowledgeBase.open(Path(folder)).values(label) if folder else []
    except (CkmError, OSError):
        return []
