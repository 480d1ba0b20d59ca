"""The 2-D X-ray that Albumentations and medaug are given in memory, and the loop that times what they do with it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NOISE_STD = 0.05
TRANSLATION_SHARE = 0.02  # of the width and the height


def draw_picture(rows: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a float32 image (rows, columns) from 0 to 1 with noise, and the mask of its two lungs."""
    y, x = np.linspace(-1, 1, rows, dtype=np.float32)[:, None], np.linspace(-1, 1, columns, dtype=np.float32)[None]
    lungs = (((np.abs(x) - 0.4) / 0.28) ** 2 + (y / 0.7) ** 2) <= 1
    noise = np.random.Generator(np.random.PCG64(3)).standard_normal((rows, columns), dtype=np.float32)
    image = (0.7 - 0.4 * lungs - 0.2 * x**2 + 0.02 * noise).clip(0, 1)
    return image.astype(np.float32), lungs.astype(np.uint8)


def report_times(change: Callable[[], object], repeats: int) -> None:
    """Print the seconds of each of REPEATS calls, after one that is not counted."""
    change()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        change()
        seconds.append(time.perf_counter() - started)
    json.dump(seconds, sys.stdout)
