"""JPEG: bit for bit what libjpeg makes of an image, and a refusal of what does not fit into 8 bits.

jpeg_by_pillow.npz holds colour images before and after Pillow 13.0.0 (libjpeg-turbo) stored them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import augment, change, make_sample, make_step, make_volume
from pydantic import ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.core.sample import Volume
from medaug_cli.transforms import load_step

PILLOW = np.load(Path(__file__).parent / "jpeg_by_pillow.npz")
CASES = sorted(name.removesuffix(" before") for name in PILLOW if name.endswith(" before"))


def picture(height: int, width: int) -> Any:
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).normal(0, 20, (height, width))
    return np.clip(128 + 100 * np.sin(x / 7 + y / 11) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("size", [(64, 64), (65, 79), (17, 5), (1, 1), (3, 200)])
def test_grey_slices_are_those_that_itk_reads_from_a_jpeg_file(
    tmp_path: Path, size: tuple[int, int], quality: int
) -> None:
    before = picture(*size)
    sitk.WriteImage(sitk.GetImageFromArray(before), tmp_path / "a.jpg", useCompression=True, compressionLevel=quality)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a.jpg"))
    assert np.array_equal(change(make_step("jpeg", quality=quality, range=None), before, eight_bit=True), expected)


@pytest.mark.parametrize("case", CASES)
def test_colours_are_those_that_pillow_reads_from_its_own_jpeg(case: str) -> None:
    _, quality, subsampling = case.split()
    before = np.moveaxis(PILLOW[f"{case} before"], -1, 0)[:, None]
    step = make_step("jpeg", quality=int(quality), subsampling=subsampling, range=None)
    after = change(step, before, eight_bit=True, rgb=True)
    assert np.array_equal(after[:, 0], np.moveaxis(PILLOW[f"{case} after"], -1, 0))


def test_a_range_is_scaled_to_8_bits_and_back() -> None:
    before = picture(16, 24)
    after = change(make_step("jpeg", quality=30, range=None), before, eight_bit=True)
    scaled = change(make_step("jpeg", quality=30, range=[-160, 95]), before.astype(np.float32) - 160)
    assert scaled == pytest.approx(after - 160, abs=1e-4)


def test_what_lies_beyond_the_range_is_clipped() -> None:
    after = change(make_step("jpeg", quality=100, range=[0, 1]), [[[-5.0] * 8 + [7.0] * 8] * 8])
    assert np.unique(after).tolist() == [0, 1]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_picture_is_stored_in_its_own_plane(axis: int) -> None:
    grey = picture(24, 17)
    expected = change(make_step("jpeg", quality=20, range=None), grey, eight_bit=True)
    after = change(make_step("jpeg", quality=20, range=None), np.expand_dims(grey, axis), eight_bit=True)
    assert np.array_equal(after.squeeze(axis), expected)


def test_images_of_more_than_8_bits_are_refused_unless_a_range_is_given() -> None:
    sample = make_sample(make_volume(Geometry((8, 8, 8))))
    with pytest.raises(SampleError, match=r"not_8_bit: jpeg stores 8 bits.*range: "):
        augment(sample, load_step("jpeg")())
    augment(sample, make_step("jpeg", range=[-1000, 1000]))


def test_an_image_that_was_read_as_8_bits_needs_no_range_after_other_steps() -> None:
    grid = Geometry((24, 16, 1))
    sample = make_sample(Volume(picture(16, 24)[None, None], grid))
    after = (
        augment(sample, make_step("brightness", add=0.2), make_step("jpeg", quality=5, range=None)).images["0"].array
    )
    assert np.array_equal(after, np.rint(after))
    assert after.min() >= 0
    assert after.max() <= 255


def test_a_range_upside_down_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not ascend"):
        make_step("jpeg", range=[1, 0])


def test_a_void_stays_finite() -> None:
    volume = make_volume(Geometry((9, 9, 9)))
    void = np.zeros((9, 9, 9), bool)
    void[:4] = True
    after = augment(make_sample(replace(volume, void=void)), make_step("jpeg", range=[-1000, 1000])).images["0"]
    assert np.isfinite(after.array).all()


@pytest.mark.parametrize(("quality", "size"), [(10, 956), (50, 2998), (75, 4660), (90, 6948), (100, 14072)])
def test_the_ratio_is_that_of_the_file_that_pillow_writes(quality: int, size: int) -> None:
    """The sizes in bytes are those of Pillow's JPEG files of this picture of 120 by 104 pixels."""
    volume = Volume(picture(120, 104)[None, None], Geometry((104, 120, 1)))
    assert load_step("jpeg")(quality=quality).lossy_ratio(volume) == pytest.approx(120 * 104 / size, rel=0.01)


@pytest.mark.parametrize(
    ("quality", "subsampling", "size"),
    [(50, "4:2:0", 3087), (50, "4:4:4", 4308), (90, "4:2:0", 8181), (90, "4:4:4", 15517)],
)
def test_the_ratio_of_colours_is_about_that_of_pillow(quality: int, subsampling: str, size: int) -> None:
    """The code of the differences of colour has tables of its own, which are not counted with."""
    grey = picture(120, 104)
    colours = np.stack([grey, np.roll(grey, 9, 0), 255 - grey])[:, None]
    volume = Volume(colours, Geometry((104, 120, 1)), rgb=True)
    step = load_step("jpeg")(quality=quality, subsampling=subsampling)
    assert step.lossy_ratio(volume) == pytest.approx(3 * 120 * 104 / size, rel=0.1)


def colours(height: int, width: int) -> Any:
    """Return a colour picture (3, 1, y, x)."""
    grey = picture(height, width)
    return np.stack([grey, np.roll(grey, 9, 0), 255 - grey])[:, None]


def test_a_film_of_equal_frames_has_the_ratio_of_one_with_or_without_alpha() -> None:
    frame, alpha = colours(64, 64), np.full((1, 1, 64, 64), 255, np.uint8)
    grid, step = Geometry((64, 64, 1)), load_step("jpeg")(quality=80)
    one = step.lossy_ratio(Volume(frame, grid, rgb=True))
    film = step.lossy_ratio(Volume(np.concatenate([frame, frame]), grid, rgb=True))
    both = step.lossy_ratio(Volume(np.concatenate([frame, alpha] * 2), grid, rgb=True, alpha=True))
    assert film == both == pytest.approx(one)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_the_ratio_of_a_picture_is_that_of_its_own_plane(axis: int) -> None:
    array, step = picture(48, 40)[None, None], load_step("jpeg")(quality=80)
    turned = np.moveaxis(array, 1, axis)
    z, y, x = turned.shape[1:]
    lying = Volume(turned, Geometry((x, y, z)))
    assert step.lossy_ratio(lying) == step.lossy_ratio(Volume(array, Geometry((40, 48, 1))))


@pytest.mark.parametrize(
    ("values", "quality"), [({}, 10), ({"share": 0}, None), ({"weights": [1, 0]}, 80), ({"weights": [0, 1]}, 10)]
)
def test_augmix_tells_the_strongest_jpeg_that_has_a_part_in_it(values: dict[str, Any], quality: int | None) -> None:
    volume = Volume(colours(64, 64), Geometry((64, 64, 1)), rgb=True)
    chains = [[{"jpeg": {"quality": 80}}], [{"gamma": {"gamma": 2}}, {"jpeg": {"quality": 10}}]]
    step = load_step("augmix")(**{"chains": chains, "weights": [0.5, 0.5], "share": 0.5, **values})
    assert step.lossy_ratio(volume) == (quality and load_step("jpeg")(quality=quality).lossy_ratio(volume))


def test_a_volume_is_judged_by_some_of_its_slices_and_its_range() -> None:
    grey = picture(64, 64).astype(np.float32) * 10 - 1000
    volume = Volume(np.repeat(grey[None, None], 40, axis=1), Geometry((64, 64, 40)))
    alone = Volume(grey[None, None], Geometry((64, 64, 1)))
    step = load_step("jpeg")(quality=60, range=[-1000, 1550])
    assert step.lossy_ratio(volume) == pytest.approx(step.lossy_ratio(alone))
    assert load_step("gamma")().lossy_ratio(volume) is None
