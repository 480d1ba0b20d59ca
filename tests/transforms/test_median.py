"""Median: SciPy's, voxel for voxel."""

from __future__ import annotations

import numpy as np
import pytest
from builders import change, make_step
from scipy.ndimage import median_filter


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("shape", [(4, 7, 70), (1, 9, 130), (6, 1, 5), (1, 1, 8), (2, 2, 2), (1, 1, 1)])
def test_median_is_that_of_scipy_borders_included(shape: tuple[int, int, int], radius: int) -> None:
    before = np.random.default_rng(0).integers(-50, 50, shape).astype(np.float32)
    size = [2 * radius + 1 if count > 1 else 1 for count in shape]
    expected = median_filter(before, size=size, mode="reflect")
    assert np.array_equal(change(make_step("median", radius=radius), before), expected)


def test_a_single_bad_voxel_disappears() -> None:
    before = np.ones((5, 5, 5))
    before[2, 2, 2] = 1000
    assert set(change(make_step("median"), before).ravel()) == {1}
