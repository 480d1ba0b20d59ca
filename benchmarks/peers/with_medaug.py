"""medaug on an image and a mask in memory: steps drawn and applied, no file. Arguments: RECIPE ROWS COLUMNS REPEATS."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import workload as w
from planar import NOISE_STD, TRANSLATION_SHARE, draw_picture, report_times

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.sample import Loaded, LoadedSample, Source, Volume
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.recipe import load_recipe

if TYPE_CHECKING:
    from medaug_cli.step import Step

PIXEL_MM = 0.14


def load_steps(recipe: str, rows: int, columns: int) -> tuple[Step, ...]:
    """Return medaug's steps for the affine or the elastic recipe."""
    right, down = (TRANSLATION_SHARE * count * PIXEL_MM for count in (columns, rows))
    move = f"translation_mm: {{horizontal: {right}, vertical: {down}}}"
    steps = [f"affine: {{rotation_deg: {w.ROTATION_DEG}, scale: {w.SCALE}, {move}}}"]
    if recipe == w.ELASTIC:
        steps += [
            f"elastic: {{control_points: {w.CONTROL_POINTS}, displacement_mm: {w.DISPLACEMENT_MM}}}",
            f"gaussian_noise: {{sigma: {NOISE_STD}, relative_to: none}}",
            f"gamma: {{log_gamma: {w.LOG_GAMMA}}}",
        ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        path.write_text("version: 1\nsteps:\n" + "".join(f"  - {step}\n" for step in steps), encoding="utf-8")
        return load_recipe(path).steps


def main() -> None:
    """Time the steps."""
    recipe, rows, columns, repeats = sys.argv[1], *map(int, sys.argv[2:])
    image, mask = draw_picture(rows, columns)
    grid = Geometry((columns, rows, 1), spacing_mm=(PIXEL_MM, PIXEL_MM, 1.0))
    xray = Loaded(Source("image", "xray", "nifti", ()), Volume(image[None, None], grid), (), None)
    lungs = Loaded(Source("label", "lungs", "nifti", ()), LabelMap(mask[None], grid), (), None)
    sample = LoadedSample("xray", {"xray": xray}, {"lungs": lungs})
    steps = load_steps(recipe, rows, columns)

    def make_copy() -> object:
        scene = scene_of(sample, seed=1, copy=1)
        return apply_program(draw_program(steps, scene), sample, scene)

    report_times(make_copy, repeats)


if __name__ == "__main__":
    main()
