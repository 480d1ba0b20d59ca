"""Lettering: plain text painted into a picture, in a fixed 5 x 7 raster, so that no font need be installed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray, BoolArray

ADVANCE, LINE = 6, 10
"""Pixels from a letter to the next, and from a line to the next."""
_FIRST, _LAST = 0x20, 0x7E
# One letter a group of five columns, each a byte whose lowest bit is the top row; the usual 5 x 7 raster of displays.
_COLUMNS = bytes.fromhex(
    "0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649562050 0008070300"
    "001C224100 0041221C00 2A1C7F1C2A 08083E0808 0080703000 0808080808 0000606000 2010080402"
    "3E5149453E 00427F4000 4261514946 2141454B31 1814127F10 2745454539 3C4A494930 0171090503"
    "3649494936 064949291E 0036360000 0056360000 0814224100 1414141414 0041221408 0201510906"
    "324979413E 7E1111117E 7F49494936 3E41414122 7F4141221C 7F49494941 7F09090901 3E4149497A"
    "7F0808087F 00417F4100 2040413F01 7F08142241 7F40404040 7F020C027F 7F0408107F 3E4141413E"
    "7F09090906 3E4151215E 7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 3F4038403F"
    "6314081463 0708700807 6151494543 007F414100 0204081020 0041417F00 0402010204 4040404040"
    "0001020400 2054545478 7F48444438 3844444420 384444487F 3854545418 087E090102 18A4A4A47C"
    "7F08040478 00447D4000 2040443D00 7F10284400 00417F4000 7C04180478 7C08040478 3844444438"
    "FC24242418 18242418FC 7C08040408 4854545420 043F444020 3C4040207C 1C2040201C 3C4030403C"
    "4428102844 1CA0A0A07C 4464544C44 0008364100 00007F0000 0041360800 1008081008"
)


def wrap(text: str, width: int, scale: int) -> list[str]:
    """Return the lines of `text` that fit into `width` pixels."""
    return textwrap.wrap(text, max(8, width // (ADVANCE * scale)))


def letter(lines: Sequence[str], width: int, scale: int) -> BoolArray:
    """Return where the lines have ink (rows, width); a sign beyond ASCII is shown as a question mark."""
    ink = np.zeros((len(lines) * LINE, max(1, width // scale)), dtype=bool)
    for row, text in enumerate(lines):
        for place, sign in enumerate(text):
            left = place * ADVANCE
            glyph = _glyph(sign)[:, : max(0, ink.shape[1] - left)]
            ink[row * LINE : row * LINE + 8, left : left + glyph.shape[1]] = glyph
    large = ink.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.pad(large, ((0, 0), (0, max(0, width - large.shape[1]))))


def _glyph(sign: str) -> AnyArray:
    code = ord(sign) if _FIRST <= ord(sign) <= _LAST else ord("?")
    columns = np.frombuffer(_COLUMNS, np.uint8)[5 * (code - _FIRST) :][:5]
    return np.unpackbits(columns[None], axis=0, bitorder="little").astype(bool)
