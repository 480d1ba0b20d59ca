"""8-bit images: what steps make of their bytes is what they make of the same intensities in float32."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from builders import INTENSITY, augment, make_labels, make_sample, make_step, oblique_geometry
from datasets_for_runs import records_of, run_here, save_recipe

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.sample import LoadedSample, Volume
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.step import IntensityStep
from medaug_cli.transforms import load_step

if TYPE_CHECKING:
    from pathlib import Path

GRID = Geometry((31, 27, 1))
WHOLE = ["channel_shift", "grayscale", "invert", "jpeg", "posterize", "solarize"]
ON_BYTES = [name for name in INTENSITY if load_step(name).by_tone or name in WHOLE]  # type: ignore[attr-defined]


def picture(components: int = 3, *, seed: int = 0, **settings: bool) -> Volume:
    """Return a smooth 8-bit picture that leaves out the darkest and the brightest tones."""
    noise = np.random.default_rng(seed).normal(0, 12, (components, 1, 27, 31))
    ramp = np.linspace(30, 220, 31) * np.linspace(1, 0.5, components)[:, None, None, None]
    return Volume(np.clip(ramp + noise, 9, 240).astype(np.uint8), GRID, **settings)


def in_float(sample: LoadedSample) -> LoadedSample:
    images = {
        name: replace(loaded, content=replace(loaded.volume, array=loaded.volume.array.astype(np.float32)))
        for name, loaded in sample.images.items()
    }
    return replace(sample, images=images)


def both(sample: LoadedSample, *steps: Any) -> tuple[Volume, Volume]:
    """Return what the steps make of the bytes, and of float32 with the same knowledge of the sample."""
    scene = scene_of(sample, 1, 1)
    program = draw_program(steps, scene)
    made = [apply_program(program, one, scene).images["0"] for one in (sample, in_float(sample))]
    return made[0], made[1]


def known(name: str) -> Any:
    return load_step("jpeg")() if name == "jpeg" else make_step(name)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", ON_BYTES)
def test_bytes_give_what_float32_gives(name: str, *, padded: bool) -> None:
    volume = picture(rgb=True)
    if padded:
        volume = replace(volume, void=volume.array[0] > 180)
    step = known(name)
    on_bytes, on_floats = both(make_sample(volume, modality="XC"), step)
    assert name not in WHOLE or on_bytes.array.dtype == np.uint8
    assert on_floats.array.dtype == np.float32
    assert not np.array_equal(on_bytes.array, volume.array)
    assert np.allclose(on_bytes.array, on_floats.array, rtol=1e-6, atol=1e-4)
    stored = [np.rint(one.array).clip(0, 255) for one in (on_bytes, on_floats)]
    assert np.array_equal(*stored)


STRENGTHS = [("posterize", {"bits": bits}) for bits in (1, 3, 7, 8, 9, 16)]
STRENGTHS += [
    ("solarize", {"threshold": least, "relative_to": "none"}) for least in (-3, 0, 0.5, 99, 99.5, 255, 256, 1e6)
]


@pytest.mark.parametrize(("name", "values"), STRENGTHS)
def test_a_step_alone_gives_every_tone_what_float32_gives(name: str, values: dict[str, Any]) -> None:
    tones = np.tile(np.arange(256, dtype=np.uint8), (3, 1, 2, 1))
    volume = Volume(tones, Geometry((256, 2, 1)), rgb=True)
    on_bytes, on_floats = both(make_sample(volume, modality="XC"), make_step(name, **values))
    assert on_bytes.array.dtype == np.uint8
    np.testing.assert_array_equal(on_bytes.array, on_floats.array)
    np.testing.assert_array_equal(volume.array, tones)


def test_neighbours_are_joined_and_what_follows_sees_their_statistics() -> None:
    steps = [make_step("posterize", bits=3), make_step("contrast", factor=1.4), make_step("gamma", gamma=0.7)]
    steps += [make_step("brightness", add=0.2, relative_to="std"), make_step("grayscale"), make_step("invert")]
    on_bytes, on_floats = both(make_sample(picture(rgb=True), modality="XC"), *steps)
    assert np.allclose(on_bytes.array, on_floats.array, rtol=1e-5, atol=1e-3)


def test_the_source_stays_as_it_is() -> None:
    volume = picture(rgb=True)
    before = volume.array.copy()
    for name in ON_BYTES:
        augment(make_sample(volume, modality="XC"), known(name))
        assert np.array_equal(volume.array, before), name


@pytest.mark.parametrize("size", [(3, 1, 1), (4, 3, 1), (16, 14, 10)])
def test_volumes_of_any_size_are_looked_up_whole(size: tuple[int, int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 256, size[::-1]).astype(np.uint8)
    sample = make_sample(
        Volume(values[None], oblique_geometry(size)), labels={"a": make_labels(oblique_geometry(size))}
    )
    assert np.array_equal(augment(sample, make_step("invert")).images["0"].array[0], 255 - values)


@pytest.mark.parametrize("name", [name for name in INTENSITY if not load_step(name).refuses("XC")])
def test_alpha_is_no_intensity(name: str) -> None:
    volume = picture(4, rgb=True, alpha=True)
    after = augment(make_sample(volume, modality="XC"), known(name)).images["0"].array
    assert np.array_equal(after[3], volume.array[3])
    alone = replace(volume, array=volume.array[:3].copy(), alpha=False)
    assert np.array_equal(after[:3], augment(make_sample(alone, modality="XC"), known(name)).images["0"].array)


@pytest.mark.parametrize("name", [name for name in INTENSITY if load_step(name).needs_rgb] + ["jpeg"])
def test_every_frame_of_colours_is_changed_alike(name: str) -> None:
    """One draw for all frames; each comes out as it would alone."""
    frames = [picture(seed=seed, rgb=True) for seed in (0, 1)]
    film = replace(frames[0], array=np.concatenate([frame.array for frame in frames]))
    after = augment(make_sample(film, modality="US"), known(name)).images["0"].array
    for number, frame in enumerate(frames):
        alone = augment(make_sample(frame, modality="US"), known(name)).images["0"].array
        assert np.array_equal(after[3 * number : 3 * number + 3], alone)


def test_a_picture_with_alpha_keeps_it_through_a_run(tmp_path: Path) -> None:
    rgba = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
    values = np.random.default_rng(0).integers(0, 256, (20, 18, 1, 4)).astype(np.uint8)
    (tmp_path / "dataset").mkdir()
    nib.save(nib.Nifti1Image(values.view(rgba)[..., 0], np.eye(4)), tmp_path / "dataset" / "a.nii.gz")
    steps = "[{gaussian_noise: {sigma: 0.2}}, color_jitter, {brightness: {add: 0.3}}]"
    recipe = save_recipe(tmp_path / "recipe.yaml", f"version: 1\ncopies: 1\nsteps: {steps}\n")
    run_here(recipe, tmp_path / "dataset", tmp_path / "root")
    assert records_of(tmp_path / "root")[0].status == "ok"
    found = np.asarray(nib.load(tmp_path / "root" / "a_aug0001.nii.gz").dataobj)  # type: ignore[attr-defined]
    assert np.array_equal(found["A"], values[..., 3])
    assert not np.array_equal(found["R"], values[..., 0])


def test_the_list_of_steps_on_bytes_is_not_empty() -> None:
    assert {"gamma", "contrast", *WHOLE} <= set(ON_BYTES)
    assert all(issubclass(load_step(name), IntensityStep) for name in ON_BYTES)
