"""Write the parts of the documentation that come from the program.

They are the command reference (``docs/reference/cli.md``), the tables of features, metrics, platforms, keys of
knowledge entries and rules of ``ckm kb-lint``, and the screens of ``README.md``, the tutorial and the how-to pages.

Usage: ``python docs/generate.py [--check]``. With ``--check`` nothing is written; the exit code is 1 if a page is out
of date, and stdout names it.

A marker asks for a screen, which the script writes below it as a fenced block:

- ``<!-- screen: ckm segment -->``: the result of the command in the example shop (``ckm init --demo``).
- ``<!-- demo: 3 -->``: the third screen of ``ckm demo``.
- ``<!-- session: ckm ingest FILE (20 lines) -->``: the first 20 lines of result and remarks. The sessions of a page run
  one after the other in a folder with the files of ``sample_exports.py``.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from sample_exports import write_exports

from ckm._kb.entry_schema import Shape, entry_shape
from ckm._kb.lint import RULES
from ckm._loyalty.document import loyalty_document
from ckm.cli import app
from ckm.customers.dictionary import load_dictionary
from ckm.io.mapping.platforms import platforms
from ckm.loyalty import loyalty
from ckm.metrics.catalogue import load_catalogue
from ckm.names import LANGUAGES
from ckm.render.markdown import render_mail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.metrics.report import LoyaltyReport

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "cli.md"
FEATURES = ROOT / "docs" / "reference" / "features.md"
METRICS = ROOT / "docs" / "reference" / "loyalty-report.md"
ENTRY = ROOT / "docs" / "reference" / "knowledge-entry.md"
LINT = ROOT / "docs" / "reference" / "kb-lint.md"
EXPORTS = ROOT / "docs" / "reference" / "exports.md"
README = ROOT / "README.md"
IMAGES = ROOT / "docs" / "images"
PICTURES = {lang: IMAGES / f"loyalty-report{'' if lang == 'en' else f'-{lang}'}.png" for lang in LANGUAGES}
"""The first page of the report in each language: README.md shows the English one, loyalty-page.md the other five."""
DICTIONARY = re.compile(r"(<!-- features -->\n).*?(<!-- /features -->\n)", re.DOTALL)
CATALOGUE = re.compile(r"(<!-- metrics -->\n).*?(<!-- /metrics -->\n)", re.DOTALL)
KEYS = re.compile(r"(<!-- keys -->\n).*?(<!-- /keys -->\n)", re.DOTALL)
RULE_TABLE = re.compile(r"(<!-- rules -->\n).*?(<!-- /rules -->\n)", re.DOTALL)
EXPORT_TABLE = re.compile(r"(<!-- platforms -->\n).*?(<!-- /platforms -->\n)", re.DOTALL)
FORMS = {
    "id": "text",
    "texts": "text or texts by language",
    "names": "list of texts",
    "phrases": "phrases",
    "whole": "whole number",
    "flag": "true or false",
    "language": "language",
}
"""What the documentation calls the forms of the schema."""
SCREEN = re.compile(r"(<!-- screen: (?P<command>ckm [^\n]+?) -->\n)(?:```text\n.*?```\n)?", re.DOTALL)
DEMO = re.compile(r"(<!-- demo: (?P<number>\d) -->\n)(?:```text\n.*?```\n)?", re.DOTALL)
SESSION = re.compile(
    r"(<!-- session: (?P<command>ckm [^\n(]+?)(?: \((?P<lines>\d+) lines\))? -->\n)(?:```text\n.*?```\n)?", re.DOTALL
)
PAGES_WITH_SESSIONS = (
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
)
INTRODUCTION = """# Commands

What `--help` of each command says. This page is written by `python docs/generate.py`; edit the docstrings instead.
"""


def commands() -> list[str]:
    """Return the names of all commands in the order of ``ckm --help``."""
    return list(typer.main.get_command(app).commands)


def reference() -> str:
    """Return the text of ``docs/reference/cli.md``."""
    parts = [INTRODUCTION, _section("ckm")]
    parts += [_section("ckm", name) for name in commands()]
    return "\n".join(parts)


def _section(*words: str) -> str:
    # An empty environment: a setting of the person who runs this must not show up as a default.
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, [*words[1:], "--help"], prog_name="ckm")
    assert result.exit_code == 0, result.stderr
    help_text = "\n".join(line.rstrip() for line in result.stdout.splitlines())
    return f"## {' '.join(words)}\n\n```text\n{help_text}\n```\n"


def dictionary(text: str) -> str:
    """Return ``text`` with the table of all features between its two markers."""
    lines = ["| feature | type, unit | meaning | formula | null where |", "|---|---|---|---|---|"]
    for feature in load_dictionary():
        cells = (f"{feature.dtype}, {feature.unit}", feature.meaning, feature.formula, feature.null_meaning)
        lines.append(f"| `{feature.name}` | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    table = "\n".join(lines)
    return DICTIONARY.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def metric_table(text: str) -> str:
    """Return ``text`` with the table of all metrics between its two markers."""
    lines = ["| metric | section, unit | definition | formula | source |", "|---|---|---|---|---|"]
    for each in load_catalogue():
        cells = (f"{each.section}, {each.unit}", each.definition, each.formula, each.source)
        lines.append(f"| `{each.name}` | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    table = "\n".join(lines)
    return CATALOGUE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def keys(text: str) -> str:
    """Return ``text`` with the table of all keys of a knowledge entry between its two markers."""
    table = "\n".join(("| key | what stands there | meaning |", "|---|---|---|", *_keys(entry_shape(), "")))
    return KEYS.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def _keys(shape: Shape, inside: str) -> Iterator[str]:
    for name, inner in shape.keys.items():
        mark = "**" if name in shape.needed else ""
        words = ", ".join(f"`{word}`" for word in inner.words)
        form = words + (" (open)" if not inner.closed else "") if words else FORMS.get(inner.form, inner.form)
        yield f"| {mark}`{inside}{name}`{mark} | {form} | {inner.description} |"
        if inner.form == "mapping":
            yield from _keys(inner, f"{inside}{name}.")


def rules(text: str) -> str:
    """Return ``text`` with the table of all rules of ``ckm kb-lint`` between its two markers."""
    lines = ["| rule | severity | condition | what to do |", "|---|---|---|---|"]
    lines += [f"| `{rule.id}` | {rule.severity} | {rule.condition} | {rule.remedy} |" for rule in RULES]
    table = "\n".join(lines)
    return RULE_TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def exports(text: str) -> str:
    """Return ``text`` with the table of all platforms between its two markers."""
    lines = ["| export | `--platform` | fills | its columns |", "|---|---|---|---|"]
    for each in sorted(platforms().values(), key=lambda platform: platform.title.casefold()):
        sources = ", ".join(f"[{urlsplit(address).netloc}]({address})" for address in each.documentation)
        lines.append(f"| {each.title} | `{each.name}` | {each.mapping.table} | {sources} |")
    table = "\n".join(lines)
    return EXPORT_TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def screens(text: str, shop: Path) -> str:
    """Return ``text`` with every screen filled by running its command in ``shop``."""

    def fill(found: re.Match[str]) -> str:
        words = found["command"].split()[1:]
        done = call_ckm(*words, "--format", "table", folder=shop)
        if done.returncode != 0:
            raise SystemExit(f"{found['command']}: exit {done.returncode}\n{done.stderr}")
        shown = done.stdout.replace(str(shop.resolve()), shop.name).rstrip()
        return f"{found[1]}```text\n$ {found['command']}\n{shown}\n```\n"

    return SCREEN.sub(fill, text)


def demo_screens(text: str, folder: Path) -> str:
    """Return ``text`` with the screens of ``ckm demo`` that it asks for by number; the demo runs in ``folder``."""
    done = call_ckm("demo", str(folder))
    if done.returncode != 0:
        raise SystemExit(f"ckm demo: exit {done.returncode}\n{done.stderr}")
    told = done.stdout.partition("\nNext: ")[0]
    parts = [part.rstrip() for part in re.split(r"^\d of \d: [^\n]*\n", told, flags=re.MULTILINE)]
    return DEMO.sub(lambda found: f"{found[1]}```text\n{parts[int(found['number'])]}\n```\n", text)


def sessions(text: str, folder: Path) -> str:
    """Return ``text`` with every session filled by running its command in ``folder``, in the order of the page."""

    def fill(found: re.Match[str]) -> str:
        words = found["command"].split()[1:]
        is_file = any(word in {"-o", "--output", "init"} for word in words)
        done = call_ckm(*words, *([] if is_file else ["--format", "table"]), folder=folder)
        if done.returncode != 0:
            raise SystemExit(f"{found['command']}: exit {done.returncode}\n{done.stderr}")
        seen = "\n\n".join(part.rstrip() for part in (done.stdout, done.stderr) if part.strip())
        lines = [line.rstrip() for line in seen.replace(str(folder.resolve()), ".").splitlines()]
        most = int(found["lines"] or len(lines))
        shown = "\n".join([*lines[:most], *(["…"] if len(lines) > most else [])])
        return f"{found[1]}```text\n$ {found['command']}\n{shown}\n```\n"

    return SESSION.sub(fill, text)


def pages_with_sessions() -> dict[Path, str]:
    """Return the text of the tutorial and of each how-to page, its sessions run in a folder of their own."""
    written = {}
    for page in PAGES_WITH_SESSIONS:
        with tempfile.TemporaryDirectory() as temporary:
            write_exports(Path(temporary))
            written[page] = sessions(page.read_text(encoding="utf-8"), Path(temporary))
    return written


def make_shop(folder: Path) -> bool:
    """Make the example shop in ``folder`` and load it; return whether both succeeded."""
    return call_ckm("init", "--demo", str(folder)).returncode == 0 and call_ckm("ingest", folder=folder).returncode == 0


def call_ckm(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ckm without the settings of the person who runs this."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CKM_")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "ckm", *words]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", cwd=folder, env=environment)


def shop_report(shop: Path) -> LoyaltyReport:
    """Return the report of the example shop, without saving anything in it."""
    return loyalty(shop, keep=False).report


def picture_digest(report: LoyaltyReport, lang: str) -> str:
    """Return a digest of the words of the report, by which a picture is known to be out of date.

    Numbers are left out, because a new version of a library may change a last digit.
    """
    words = re.sub(r"[^\W\d_]*\d[\d.,]*", "", render_mail(loyalty_document(report, lang)))
    return hashlib.sha256(words.encode()).hexdigest()


def stale_pictures(report: LoyaltyReport) -> list[Path]:
    """Return the pictures that are out of date: the words of the report have changed."""
    return [path for lang, path in PICTURES.items() if digest_beside(path) != picture_digest(report, lang)]


def digest_beside(picture: Path) -> str:
    """Return the digest that was saved with a picture; empty without one."""
    kept = picture.with_suffix(".sha256")
    return kept.read_text(encoding="utf-8").strip() if kept.exists() else ""


def main() -> None:
    """Write the generated parts, or with ``--check`` compare them."""
    written = {
        REFERENCE: reference(),
        FEATURES: dictionary(FEATURES.read_text(encoding="utf-8")),
        ENTRY: keys(ENTRY.read_text(encoding="utf-8")),
        LINT: rules(LINT.read_text(encoding="utf-8")),
        EXPORTS: exports(EXPORTS.read_text(encoding="utf-8")),
        METRICS: metric_table(METRICS.read_text(encoding="utf-8")),
        **pages_with_sessions(),
    }
    old: list[Path] = []
    with tempfile.TemporaryDirectory() as temporary:
        shop = Path(temporary) / "shop"
        if make_shop(shop):
            old = stale_pictures(shop_report(shop))  # before a command of a screen keeps anything in the shop
            readme = demo_screens(README.read_text(encoding="utf-8"), Path(temporary) / "demo" / "shop")
            written[README] = screens(readme, shop)
        else:
            print("no example shop in this ckm: the screens stay as they are", file=sys.stderr)
    stale = [path for path, text in written.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(
            f"{path.relative_to(ROOT)} is out of date" if "--check" in sys.argv else f"wrote {path.relative_to(ROOT)}"
        )
        if "--check" not in sys.argv:
            path.write_text(written[path], encoding="utf-8", newline="\n")
    for picture in old:
        print(f"{picture.relative_to(ROOT)} is out of date: python docs/picture.py takes a new one")
    sys.exit(1 if (stale or old) and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
