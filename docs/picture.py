"""Take the picture of the loyalty report that ``README.md`` shows: the top of the page, on the example shop.

Usage: ``python docs/picture.py``; needs Chromium. Beside the picture it keeps a digest of what the report says, so that
``python docs/generate.py --check`` tells when the report has come to say something else.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from generate import PICTURE, REPORT, call_ckm, make_shop, picture_digest  # noqa: E402

from tests.render.browser import browser  # noqa: E402

WIDTH, HEIGHT, SCALE = 820, 1240, 1


def main() -> None:
    """Write ``docs/images/loyalty-report.png`` and its digest."""
    with tempfile.TemporaryDirectory() as temporary:
        shop = Path(temporary) / "shop"
        if not make_shop(shop):
            raise SystemExit("the example shop cannot be made")
        page = shop / "report.html"
        done = call_ckm(*REPORT, "-o", str(page), folder=shop)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        with browser(Path(temporary)) as tab:
            tab.open(page, width=WIDTH, height=HEIGHT)
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": SCALE}
            shot = tab.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(base64.b64decode(shot["data"]))
        PICTURE.with_suffix(".sha256").write_text(picture_digest(shop) + "\n", encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}, {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
