"""Contact sheet: a sample and its copies side by side with what was drawn, as PNG or as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli import __version__
from medaug_cli.core.lazy import np
from medaug_cli.report.lettering import LINE, letter, wrap
from medaug_cli.report.png import encode_png
from medaug_cli.report.tiles import images_of, labels_of, make_painter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.sample import LoadedSample
    from medaug_cli.preview import PreviewCopy
    from medaug_cli.report.tiles import Colour, Painter

SOFTWARE = f"medaug {__version__}"
_SIDE_OF_VOLUMES, _SIDE_OF_IMAGES = 200, 420
_WIDTH = 1900
_MARGIN = 10
_MOST_LABELS = 24
_INK: Colour = (32, 32, 32)
_FAULT: Colour = (176, 0, 32)


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture and what stands below it: a title, and (step, numbers) line by line; `problem` if there is none."""

    title: str
    picture: AnyArray
    drawn: tuple[tuple[str, str], ...] = ()
    remark: str = ""
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Sheet:
    """All tiles, the source's first, with the heading and the labels in their colours."""

    heading: tuple[str, ...]
    legend: tuple[tuple[str, Colour], ...]
    tiles: tuple[Tile, ...]


def make_sheet(sample: LoadedSample, copies: Iterable[PreviewCopy], recipe_name: str, seed: int) -> Sheet:
    """Return the sheet of `sample` and its `copies`, which are taken one by one."""
    volume = next(iter(images_of(sample).values()))
    painter = make_painter(sample, _SIDE_OF_VOLUMES if volume.geometry.flat_axis is None else _SIDE_OF_IMAGES)
    picture, _ = painter.paint(images_of(sample), labels_of(sample))
    tiles = [Tile("source", picture), *(_tile(painter, copy, np.zeros_like(picture)) for copy in copies)]
    entries = [(text, colour) for _, _, colour, text in painter.legend.entries]
    more = [(f"and {len(entries) - _MOST_LABELS} more", _INK)] if len(entries) > _MOST_LABELS else []
    return Sheet(_heading(painter, sample, recipe_name, seed), (*entries[:_MOST_LABELS], *more), tuple(tiles))


def _heading(painter: Painter, sample: LoadedSample, recipe_name: str, seed: int) -> tuple[str, ...]:
    windows = [
        f"{channel}: {window.low:.4g} to {window.high:.4g} ({window.origin})"
        for channel, window in painter.windows.items()
    ]
    named = [f"recipe {recipe_name}"] if recipe_name else []
    planes = list(filter(None, [", ".join(painter.plane_names)]))
    return ("; ".join([sample.id, *named, f"seed {seed}", *planes]), "; ".join(windows))


def _tile(painter: Painter, made: PreviewCopy, blank: AnyArray) -> Tile:
    title = f"copy {made.number}"
    if made.copy is None:
        return Tile(title, blank, problem=": ".join(made.problem or ()))
    picture, remark = painter.paint(made.copy.images, labels_of(made.copy))
    return Tile(title, picture, made.drawn or (("no step applied", ""),), remark)


def sheet_png(sheet: Sheet) -> bytes:
    """Return the sheet as PNG, captions painted below the pictures."""
    height, width = sheet.tiles[0].picture.shape[:2]
    most = max(1, (_WIDTH - _MARGIN) // (width + _MARGIN))
    rows = -(-len(sheet.tiles) // most)
    columns = -(-len(sheet.tiles) // rows)  # no last row with a single tile where it can be helped
    total = columns * (width + _MARGIN) + _MARGIN
    scale = 2 if width >= 320 else 1  # noqa: PLR2004  large enough to read where there is room
    blocks = [_heading_block(sheet, total)]
    for first in range(0, len(sheet.tiles), columns):
        row = [_with_caption(tile, width, height, scale) for tile in sheet.tiles[first : first + columns]]
        blocks.append(_row(row, total))
    return encode_png(np.concatenate(blocks), SOFTWARE)


def _heading_block(sheet: Sheet, width: int) -> AnyArray:
    texts = [(line, _INK) for text in sheet.heading for line in wrap(text, width - 2 * _MARGIN, 2)]
    lines = [_ink([text], width - 2 * _MARGIN, 2, colour) for text, colour in texts]
    if sheet.legend:
        lines.append(_legend_line(sheet, width - 2 * _MARGIN))
    block = np.concatenate(lines)
    return _on_white(block, (block.shape[0] + 2 * _MARGIN, width), (_MARGIN, _MARGIN))


def _legend_line(sheet: Sheet, width: int) -> AnyArray:
    """Return the names of the labels, each in its colour, darkened to be read on white."""
    rows: list[list[tuple[str, Colour]]] = [[]]
    room = width // 12
    used = 0
    for text, colour in sheet.legend:
        if used + len(text) + 2 > room and rows[-1]:
            rows.append([])
            used = 0
        dark = (int(colour[0] * 0.7), int(colour[1] * 0.7), int(colour[2] * 0.7))
        rows[-1].append((text, dark))
        used += len(text) + 2
    lines = []
    for row in rows:
        line = np.full((2 * LINE, width, 3), 255, dtype=np.uint8)
        left = 0
        for text, colour in row:
            part = letter([text], max(0, min(len(text) * 12, width - left)), 2)
            line[:, left : left + part.shape[1]][part[:, : width - left]] = colour
            left += (len(text) + 2) * 12
        lines.append(line)
    return np.concatenate(lines)


def _with_caption(tile: Tile, width: int, height: int, scale: int) -> AnyArray:
    texts = [f"{name} {numbers}".strip() for name, numbers in tile.drawn] + ([tile.remark] if tile.remark else [])
    parts = [_ink([tile.title], width, 2, _INK)]
    if tile.problem:
        parts.append(_ink(wrap(f"not made: {tile.problem}", width, scale), width, scale, _FAULT))
    lines = [line for text in texts for line in wrap(text, width, scale)]
    if lines:
        parts.append(_ink(lines, width, scale, _INK))
    return np.concatenate([_centre(tile.picture, height, width), np.full((4, width, 3), 255, np.uint8), *parts])


def _centre(picture: AnyArray, height: int, width: int) -> AnyArray:
    return _on_white(picture[:height, :width], (height, width), (0, 0))


def _row(tiles: Sequence[AnyArray], width: int) -> AnyArray:
    height = max(tile.shape[0] for tile in tiles) + _MARGIN
    row = np.full((height, width, 3), 255, dtype=np.uint8)
    for place, tile in enumerate(tiles):
        left = _MARGIN + place * (tile.shape[1] + _MARGIN)
        row[: tile.shape[0], left : left + tile.shape[1]] = tile
    return row


def _ink(lines: Sequence[str], width: int, scale: int, colour: Colour) -> AnyArray:
    block = np.full((len(lines) * LINE * scale, width, 3), 255, dtype=np.uint8)
    block[letter(lines, width, scale)[:, :width]] = colour
    return block


def _on_white(block: AnyArray, size: tuple[int, int], at: tuple[int, int]) -> AnyArray:
    page = np.full((*size, 3), 255, dtype=np.uint8)
    page[at[0] : at[0] + block.shape[0], at[1] : at[1] + block.shape[1]] = block
    return page
