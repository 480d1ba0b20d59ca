"""Faults of peers that medaug must not have: MR artefacts and noise."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_step, make_volume

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk

NOISY = ("gaussian_noise", "kspace_undersampling", "motion", "spike")


@pytest.mark.parametrize("name", NOISY)
def test_voxels_do_not_depend_on_the_number_of_threads(name: str) -> None:
    """SimpleITK's noise filters give other voxels for 1, 2 and 4 threads."""
    sample = make_sample(make_volume(Geometry((20, 18, 16))), modality="MR")
    found = []
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        for threads in (1, 2, 4):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            found.append(augment(sample, make_step(name)).images["0"].array)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize("name", NOISY)
def test_voxels_do_not_depend_on_who_else_draws_at_the_same_time(name: str) -> None:
    """A global generator (MONAI, TorchIO) is shared by all threads of a process."""
    sample = make_sample(make_volume(Geometry((20, 18, 16))), modality="MR")
    alone = [augment(sample, make_step(name), copy=copy).images["0"].array for copy in range(4)]
    together: dict[int, Any] = {}

    def work(copy: int) -> None:
        together[copy] = augment(sample, make_step(name), copy=copy).images["0"].array

    threads = [threading.Thread(target=work, args=(copy,)) for copy in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(alone[copy], together[copy]) for copy in range(4))


@pytest.mark.parametrize("model", ["sphere", "box"])
@pytest.mark.parametrize("size", [(16, 14, 10), (15, 9, 7), (20, 20, 1)])
def test_gibbs_with_alpha_0_changes_nothing(size: tuple[int, int, int], model: str) -> None:
    """MONAI's sphere of radius √½ n leaves out the corners of a cube's spectrum."""
    array = make_volume(Geometry(size)).array[0]
    assert np.array_equal(change(make_step("gibbs", alpha=0, model=model), array), array)


def test_the_fault_is_kept_where_monai_is_asked_for() -> None:
    array = make_volume(Geometry((12, 12, 12))).array[0]
    found = change(make_step("gibbs", alpha=0, model="monai"), array)
    assert np.abs(found - array).max() > 0.01 * np.ptp(array)


@pytest.mark.parametrize("origin_mm", [(0.0, 0.0, 0.0), (500.0, -300.0, 900.0)])
def test_motion_is_about_the_centre_of_the_image_wherever_the_world_begins(
    origin_mm: tuple[float, float, float],
) -> None:
    """TorchIO 1 loses the centre on the way through a matrix and rotates about the world's origin."""
    array = make_volume(Geometry((16, 16, 16))).array[0]
    step = make_step("motion", rotation_deg=[[5, -4, 8]], translation_mm=[[1, 0, 2]], times=[0.3])
    here = change(step, array, Geometry((16, 16, 16), origin_mm=(-7.5, -7.5, -7.5)))
    there = change(step, array, Geometry((16, 16, 16), origin_mm=origin_mm))
    assert np.abs(here - there).max() <= 1e-3 * np.ptp(array)
