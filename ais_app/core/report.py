"""A report: one HTML file, its pictures beside or in it, readable anywhere and without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from ais_app.core.files import write_text
from ais_app.core.pictures import jpeg, save_png

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2023; background: #f6f7f8; margin: 0 auto; max-width: 960px;
  padding: 32px 24px 64px; }
h1 { font-size: 24px; } h2 { font-size: 18px; margin-top: 32px; }
table { border-collapse: collapse; background: #fff; }
th, td { border: 1px solid #dfe3e6; padding: 4px 12px; text-align: right; }
th { font-weight: 600; } th:first-child, td:first-child, .words th, .words td { text-align: left; }
figure { margin: 16px 0; } img { max-width: 100%; image-rendering: pixelated; }
figcaption { color: #5f6770; font-size: 13px; }
pre { background: #fff; border: 1px solid #dfe3e6; padding: 12px; overflow-x: auto; }
"""


class Report:
    """Collects headings, text, tables and pictures, and writes them as one page.

    Parameters
    ----------
    title
        Title of the page.
    folder
        Where the page and ``pictures/`` go.
    embed
        Keep the pictures in the page, as JPEG: one file that can be sent to somebody.
    """

    def __init__(self, title: str, folder: str | Path, *, embed: bool = False) -> None:
        self.title = title
        self.folder = Path(folder)
        self.embed = embed
        self._parts: list[str] = []
        self._pictures = 0

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def lines(self, lines: Sequence[str]) -> None:
        """Add lines to be typed, as they are."""
        self._parts.append("<pre>" + escape("\n".join(lines)) + "</pre>")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False) -> None:
        """Add a table of text; the first column is its row titles, the others are numbers unless they are `words`."""
        cells = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr>"]
        cells += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
        kind = ' class="words"' if words else ""
        self._parts.append(f"<table{kind}>" + "\n".join(cells) + "</table>")

    def legend(self, colours: Mapping[str, str]) -> None:
        """Say which colour, ``#rrggbb``, stands for what."""
        spot = '<span style="background:{}; padding:0 8px; margin-right:6px"></span>{}'
        parts = [spot.format(escape(colour), escape(name)) for name, colour in colours.items()]
        self._parts.append("<p>" + " &emsp; ".join(parts) + "</p>")

    def picture(self, picture: np.ndarray, caption: str, zoom: int = 2) -> None:
        """Add a picture, (h, w, 3) float 0 to 1."""
        self._pictures += 1
        if self.embed:
            name = "data:image/jpeg;base64," + base64.b64encode(jpeg(picture, zoom)).decode()
        else:
            name = f"pictures/{self._pictures:02d}.png"
            save_png(picture, self.folder / name, zoom)
        words = escape(caption)
        self._parts.append(f'<figure><img src="{name}" alt="{words}"><figcaption>{words}</figcaption></figure>')

    def write(self, name: str = "report.html") -> Path:
        """Write the page and return its path."""
        page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f"<style>{STYLE}</style></head><body><h1>{escape(self.title)}</h1>\n" + "\n".join(self._parts)
        )
        return write_text(self.folder / name, page + "\n</body></html>\n")
