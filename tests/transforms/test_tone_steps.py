"""Invert, equalize, autocontrast, clip_percentiles and normalize against numbers worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from builders import change, make_step
from pydantic import ValidationError
from scipy.stats import kstest
from typer.testing import CliRunner

from medaug_cli.cli import app

if TYPE_CHECKING:
    from pathlib import Path

HUNDRED = list(range(101))
ODD_ONE_OUT = np.array([True] * 5 + [False]).reshape(1, 1, 6)


def test_invert_turns_the_range_round() -> None:
    assert change(make_step("invert"), [-10, 0, 30]).tolist() == [30, 20, -10]


def test_invert_of_an_8_bit_image_is_255_minus_x() -> None:
    assert change(make_step("invert"), [10, 20], eight_bit=True).tolist() == [245, 235]


def test_inverting_twice_changes_nothing() -> None:
    before = np.random.default_rng(0).integers(-1000, 1000, 50)
    assert np.array_equal(change(make_step("invert"), change(make_step("invert"), before)), before)


def test_equalize_maps_to_the_share_of_voxels_below() -> None:
    """Four bins from 0 to 8: shares below the edges 0, 2, 4, 6, 8 are 0, 0.5, 0.75, 0.75, 1."""
    after = change(make_step("equalize", bins=4), [0, 1, 2, 8])
    assert after == pytest.approx([0, 2, 4, 8])


def test_equalized_intensities_are_uniform() -> None:
    before = np.random.default_rng(0).normal(size=100_000)
    after = change(make_step("equalize", bins=1024), before)
    low, high = before.min(), before.max()
    assert kstest(after.astype(float), "uniform", args=(low, high - low)).statistic < 0.01


def test_clip_percentiles_clips_and_changes_nothing_else() -> None:
    after = change(make_step("clip_percentiles", low=2, high=90), HUNDRED)
    assert after == pytest.approx(np.clip(HUNDRED, 2, 90))


@pytest.mark.parametrize(
    ("values", "known", "after"),
    [
        ({"low": 0, "high": 100}, {}, [0, 25, 50, 100]),
        ({"low": 25, "high": 75}, {}, [0, 0, 50, 100]),
        ({"low": 0, "high": 100, "output": [-1000, 1000]}, {}, [-1000, -500, 0, 1000]),
        ({"low": 0, "high": 100}, {"eight_bit": True}, [0, 63.75, 127.5, 255]),
    ],
)
def test_autocontrast_stretches_percentiles(values: dict[str, Any], known: dict[str, Any], after: list[float]) -> None:
    stretched = change(make_step("autocontrast", **values), HUNDRED, **known)
    assert stretched[[0, 25, 50, 100]] == pytest.approx(after)


def test_zscore_gives_mean_0_and_deviation_1() -> None:
    after = change(make_step("normalize"), [0, 10])
    assert after.tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("values", "after"),
    [({}, [0, 0.25, 1]), ({"low": 25, "output": [-1, 1]}, [-1, -1, 1]), ({"high": 80}, [0, 0.3125, 1])],
)
def test_range_brings_percentiles_to_the_output(values: dict[str, Any], after: list[float]) -> None:
    brought = change(make_step("normalize", method="range", **values), HUNDRED)
    assert brought[[0, 25, 100]] == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("invert", {}),
        ("equalize", {"bins": 8}),
        ("clip_percentiles", {"low": 30, "high": 60}),
        ("autocontrast", {"low": 30, "high": 60}),
        ("normalize", {}),
        ("normalize", {"method": "range"}),
        ("clahe", {"clip_limit": 5}),
    ],
)
def test_padding_changes_no_other_voxel(name: str, values: dict[str, Any]) -> None:
    step = make_step(name, **values)
    one, other = (change(step, [0, 10, 20, 50, 100, odd], valid=ODD_ONE_OUT) for odd in (-2000, 7000))
    assert np.array_equal(one[:5], other[:5])
    assert np.isfinite([one, other]).all()


@pytest.mark.parametrize("name", ["autocontrast", "normalize"])
def test_an_output_that_does_not_ascend_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="does not ascend"):
        make_step(name, output=[1, 1])


def run_on_integers(folder: Path, step: dict[str, Any], dtype: str) -> Any:
    """Run one step on an int16 volume of 0 to 99 and return the result of the command."""
    (folder / "dataset").mkdir()
    voxels = np.arange(100, dtype=np.int16).reshape(5, 5, 4)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / "dataset" / "a.nii.gz")
    recipe = {"version": 1, "steps": [step], "output": {"dtype": dtype}, "checks": None}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    paths = [str(folder / "recipe.yaml"), str(folder / "dataset"), "-o", str(folder / "out")]
    return CliRunner().invoke(app, ["run", *paths, "--engine", "serial"])


@pytest.mark.parametrize(
    "step", [{"normalize": {}}, {"normalize": {"method": "range"}}, {"window": {"output": [0, 1]}}]
)
def test_fractions_are_not_rounded_away_in_silence(step: dict[str, Any], tmp_path: Path) -> None:
    result = run_on_integers(tmp_path, step, "preserve")
    assert result.exit_code == 3
    assert "needs_fractions" in result.output
    assert "dtype: float32" in result.output


def test_fractions_are_written_where_the_recipe_asks_for_float32(tmp_path: Path) -> None:
    result = run_on_integers(tmp_path, {"normalize": {}}, "float32")
    assert result.exit_code == 0, result.output
    image: Any = nib.load(next((tmp_path / "out").glob("*.nii.gz")))
    assert (image.get_fdata().mean(), image.get_fdata().std()) == pytest.approx((0, 1), abs=1e-5)


def test_validate_warns_of_fractions_that_whole_numbers_lose(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("version: 1\nsteps: [one_of: [normalize, {window: {output: [0, 255]}}]]\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["validate", str(path)])
    assert result.exit_code == 0
    assert "warning: normalize: the result is fractions" in result.output
    assert "window" not in result.output
