"""Walk through every command in a workspace of each odd name, and print what failed.

    python bench/folder_names.py          all names (about eight minutes)

The names and the walk are those of ``tests/folder_names.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    from typer.testing import CliRunner, Result

    from ckm.cli import app
    from tests.folder_names import NAMES, on_this_system, walk

    def run(*words: object, **options: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], **options)

    names = [name for name in NAMES if on_this_system(name)]
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CKM_CACHE"] = f"{folder}-cache"
            start = time.perf_counter()
            said = "ok"
            try:
                walk(run, Path(folder) / name)
            except AssertionError as error:
                failed += 1
                said = f"FAILED {str(error)[:500]}"
            print(f"{ascii(name)[:40]:<42}{time.perf_counter() - start:5.1f} s  {said}", flush=True)
    print(f"{len(names) - failed} of {len(names)} names work")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
