"""Small knowledge bases for tests, written file by file."""

from __future__ import annotations

import os
from pathlib import Path

HEAD = "schema: ckm.kb/1\nkind: for\nprovenance: {origin: interview}\n"


def write_entry(folder: Path, name: str, title: str, *more: str, issue: str = "", state: str = "validated") -> Path:
    """Write an entry into a file of its own; ``more`` are lines of YAML."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"id: {path.stem}", f"title: {title}", f"issue: {issue or title}"]
    if not any(line.startswith("review:") for line in more):
        lines.append("review: {owner: lead}")
    lines += [f"state: {{confidence: {state}}}", *more]
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def replace_unseen(path: Path, old: str, new: str) -> None:
    """Replace words of a file by others of the same length and restore its time, as a reproducible archive does."""
    before = path.stat()
    text = path.read_text(encoding="utf-8")
    assert old in text
    assert len(old) == len(new)
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def small_base(folder: Path) -> Path:
    """Write a base with an entry for each case that a search must distinguish."""
    write_entry(
        folder,
        "deep/late",
        "{en: The parcel is late, de: Das Paket kommt zu spät}",
        "classify: {topics: [delivery], products: [P1], segments: [loyal]}",
        "answers: {reasons: [late_delivery]}",
        "review: {owner: lead, last: 2026-01-10, interval_days: 100}",
        "aliases: {de: [Lieferverzug]}",
        issue="{en: A parcel has not come in time and the customer waits., de: Das Paket ist überfällig.}",
    )
    write_entry(folder, "old", "Parcel late, old answer", "lang: en", state="validated")
    write_entry(folder, "new", "Parcel late, new answer", "lang: en", "links: {supersedes: [old]}")
    write_entry(folder, "unsure", "Parcel late, perhaps", "lang: en", state="not_validated")
    write_entry(folder, "draft", "Parcel late, draft", "lang: en", state="wip")
    write_entry(folder, "gone", "Parcel late, archived", "lang: en", state="archived")
    write_entry(folder, "past", "Parcel late in the strike", "lang: en", "applies: {valid_until: 2025-12-31}")
    write_entry(folder, "soon", "Parcel late from next year", "lang: en", "applies: {valid_from: 2027-01-01}")
    write_entry(folder, "secret", "Parcel late, for managers", "lang: en", "access: {read: [manager]}")
    write_entry(folder, "thai", "พัสดุมาช้า", "lang: th")
    write_entry(folder, "red", "A red widget", "lang: en", "facet: product")
    write_entry(folder, "blue", "A blue widget", "lang: en", "facet: policy")
    return folder
