"""Take the pictures of the loyalty report: its first page in each language, on the example shop.

Usage: ``python docs/picture.py``; needs Chromium, and fonts for Thai and Chinese. Beside each picture is a digest of
what the report says, by which ``python docs/generate.py --check`` finds a picture whose report has changed.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from generate import PICTURES, make_shop, picture_digest, shop_report  # noqa: E402

from ckm._loyalty.document import loyalty_document  # noqa: E402
from ckm._loyalty.words import load_words  # noqa: E402
from ckm.render.page import render_page  # noqa: E402
from tests.render.browser import browser  # noqa: E402

WIDTH = 1120
MOST_BYTES = 200_000
END = "Math.ceil(document.querySelector('nav').getBoundingClientRect().top)"
"""Where the first page ends."""


def main() -> None:
    """Write ``docs/images/loyalty-report*.png`` and their digests."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        shop = Path(temporary) / "shop"
        if not make_shop(shop):
            raise SystemExit("the example shop cannot be made")
        report = shop_report(shop)
        with browser(Path(temporary)) as tab:
            for lang, picture in PICTURES.items():
                page = Path(temporary) / f"{lang}.html"
                html = render_page(loyalty_document(report, lang), load_words(lang).page_words())
                page.write_text(html, encoding="utf-8")
                tab.open(page, width=WIDTH)
                clip = {"x": 0, "y": 0, "width": WIDTH, "height": tab.value(END), "scale": 1}
                shot = base64.b64decode(
                    tab.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
                )
                if len(shot) > MOST_BYTES:
                    raise SystemExit(f"{picture.name} has {len(shot)} bytes, more than {MOST_BYTES}")
                picture.parent.mkdir(exist_ok=True)
                picture.write_bytes(shot)
                picture.with_suffix(".sha256").write_text(picture_digest(report, lang) + "\n", encoding="utf-8")
                print(f"wrote {picture.relative_to(ROOT)}, {len(shot) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
