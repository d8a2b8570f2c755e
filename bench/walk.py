"""Amount of ckm code that runs between a transaction and a warning, and between a transaction and a report page.

Modules, functions and packages of ckm whose code runs, on the example shop, from the command line to the file: what a
reader has to know to follow a number. Imports do not count.

Usage: ``python bench/walk.py [CHECKOUT]`` (default: this one)
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from typer import Typer

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
HOME = str(ROOT / "ckm") + os.sep


def walked(work: Callable[[], object]) -> str:
    """Return what ran, as ``modules / functions / packages``."""
    seen: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(HOME) and code.co_name != "<module>":
            seen.add((code.co_filename, code.co_qualname))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    files = {name for name, _ in seen}
    functions = {pair for pair in seen if not pair[1].rpartition(".")[2].startswith("<")}
    packages = {str(Path(each).parent) for each in files}
    return f"{len(files)} modules / {len(functions)} functions / {len(packages)} packages"


def succeed(app: Typer, words: list[str]) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from ckm.cli import app

    orders = str(ROOT / "examples" / "shop" / "incoming" / "web-orders-2024.csv")
    with tempfile.TemporaryDirectory() as folder:
        for what, words in (
            ("a transaction to a warning", ["churn-warn", orders, "-o", f"{folder}/warnings.csv"]),
            ("a transaction to a page of the report", ["loyalty-report", orders, "-o", f"{folder}/report.html"]),
        ):
            print(f"{what}: {walked(partial(succeed, app, words))}")


if __name__ == "__main__":
    main()
