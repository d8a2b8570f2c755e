"""Render a document as one HTML file without scripts and requests, for light mode, dark mode and print."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm.plaintext import harmless_in_page
from ckm.render.sparkline import sparkline
from ckm.render.svg import draw

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from ckm.render.document import Document, Figure, KeyFigure

TEMPLATE = "page.html.j2"
STYLE = Path(__file__).with_name("page.css")


@dataclass(frozen=True)
class PageWords:
    """Fixed texts of the page in the language of the document."""

    skip: str = "Skip to the content"
    contents: str = "Contents"
    numbers: str = "The numbers behind this chart"
    key_figures: str = "Key figures"


def render_page(document: Document, words: PageWords | None = None) -> str:
    """Return a document as an HTML page; equal documents give equal pages.

    All text is escaped. The page's content security policy forbids every request and every script, so that
    unescaped markup would be harmless too.

    Raises
    ------
    ValueError
        A chart has more marks than can be read.
    """
    style = STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            document=document,
            words=words or PageWords(),
            style=_markup(style),
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            draw=_drawing,
            trend=lambda figure: _trend(figure, mirrored=document.direction == "rtl"),
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: Any) -> Any:
    """Return a value for a template, with control characters, which HTML forbids, escaped."""
    return harmless_in_page(value) if type(value) is str else value


def _drawing(figure: Figure, name: str) -> Markup:
    return _markup(draw(figure.specification, name=name, label=figure.description))


def _trend(figure: KeyFigure, *, mirrored: bool) -> Markup:
    return _markup(sparkline(figure.trend, label=figure.trend_description, mirrored=mirrored))


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)
