"""Page: a contact sheet as one self-contained HTML file; pictures within, every text escaped, no script."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from medaug_cli.report.png import encode_png
from medaug_cli.report.sheet import SOFTWARE

if TYPE_CHECKING:
    from medaug_cli.report.sheet import Sheet, Tile

GENERATOR = '<meta name="generator" content="medaug'
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
main { display: grid; gap: 1.5rem 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; }
img { width: 100%; background: #000; image-rendering: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .8rem; margin: .3rem 0; font-size: .85rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; list-style: none; }
li::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .4em; background: var(--c); }
.problem { color: #c4314b; }
footer { margin-top: 2rem; font-size: .8rem; opacity: .7; }
"""


def sheet_html(sheet: Sheet) -> bytes:
    """Return the sheet as UTF-8 HTML."""
    title, *rest = sheet.heading
    legend = "".join(
        f'<li style="--c: rgb({red} {green} {blue})">{escape(text)}</li>\n' for text, (red, green, blue) in sheet.legend
    )
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'{GENERATOR} {escape(SOFTWARE.removeprefix("medaug "))}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
        f"<h1>{escape(title)}</h1>\n",
        *(f"<p>Shown from {escape(text)}</p>\n" for text in rest if text),
        f"<ul>\n{legend}</ul>\n" if legend else "",
        "<main>\n",
        *map(_figure, sheet.tiles),
        f"</main>\n<footer>Made by {escape(SOFTWARE)}. Not for diagnosis.</footer>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode()


def _figure(tile: Tile) -> str:
    picture = base64.b64encode(encode_png(tile.picture, SOFTWARE)).decode()
    drawn = "".join(f"<dt>{escape(name)}</dt><dd>{escape(numbers)}</dd>\n" for name, numbers in tile.drawn)
    problem = f'<p class="problem">not made: {escape(tile.problem)}</p>\n' if tile.problem else ""
    return (
        f'<figure>\n<img alt="{escape(tile.title)}" src="data:image/png;base64,{picture}">\n'
        f"<figcaption><strong>{escape(tile.title)}</strong>\n{problem}"
        f"{f'<dl>{drawn}</dl>' if drawn else ''}\n{f'<p>{escape(tile.remark)}</p>' if tile.remark else ''}"
        "</figcaption>\n</figure>\n"
    )
