"""Drawing: what the steps may know of a sample, and the numbers that one copy gets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import np
from medaug_cli.program.copy import Drawn
from medaug_cli.step import GridStep, Policy, Scene, SpatialStep, Step, inner_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import LoadedSample
    from medaug_cli.program.copy import Program
    from medaug_cli.spatial.resample import Resampler


def scene_of(
    sample: LoadedSample,
    seed: int,
    copy: int,
    resampler: Resampler = "kernel",
    max_voxels: float = 4.0e8,
    dtype: str = "preserve",
) -> Scene:
    """Return what the steps of copy number `copy` may know of `sample`; the first image sets the frame.

    `dtype` is that of the copies' images, which DICOM always preserves.
    """
    first = next(iter(sample.images.values()))
    modalities = sample.modalities()
    return Scene(
        geometry=first.volume.geometry,
        seed=seed,
        words=(sample.id, copy),
        modality=modalities[0],
        modalities=modalities,
        label_names=sample.names(),
        resampler=resampler,
        irregular=next((loaded.irregular for loaded in sample.images.values() if loaded.irregular), ""),
        channels=tuple(sample.images),
        windows=tuple(loaded.window for loaded in sample.images.values()),
        rgb=all(loaded.volume.rgb for loaded in sample.images.values()),
        eight_bit=all(loaded.volume.array.dtype == np.uint8 for loaded in sample.images.values()),
        whole_numbers=any(
            "int" in entry.dtype and (entry.format == "dicom" or dtype == "preserve")
            for loaded in sample.images.values()
            for entry in loaded.entries
        ),
        labels={name: one.content for name, one in sample.labels.items() if isinstance(one.content, LabelMap)},
        label_values=sample.label_names,
        max_voxels=max_voxels,
    )


def draw_program(steps: Sequence[Step], scene: Scene) -> Program:
    """Draw every step for one copy; each has a generator of its own, keyed by its path."""
    return tuple(_draw_all(steps, scene, "steps")[0])


def may_change_grid(step: Step) -> bool:
    """Say whether a step gives the sample another grid, or holds one that does."""
    return isinstance(step, GridStep) or any(map(may_change_grid, inner_steps(step)))


def predict_grid(steps: Sequence[Step], scene: Scene) -> Geometry:
    """Return the grid of a copy, drawn as `draw_program` draws it, from those steps alone that may change it."""
    order = [index for index, step in enumerate(steps) if may_change_grid(step)]
    return _draw_all(steps, scene, "steps", order)[1].geometry


def _draw_all(
    steps: Sequence[Step], scene: Scene, path: str, order: Sequence[int] | None = None
) -> tuple[list[Drawn], Scene]:
    """Return the drawn steps and the scene that they leave behind."""
    made: list[Drawn] = []
    for index in range(len(steps)) if order is None else order:
        step, here = steps[index], f"{path}[{index}]"
        drawn = step.draw(scene.at(here))
        if drawn is None or not isinstance(drawn, Policy):
            made.append(Drawn(here, step.step_name(), drawn))
            scene = _scene_after(drawn, scene, here)
            continue
        chosen = drawn.choose(scene.at(here).generator("choose"))
        made.append(Drawn(here, step.step_name(), drawn, chosen))
        children, scene = _draw_all(drawn.steps, scene, f"{here}.{step.step_name()}", chosen)
        made.extend(children)
    return made, scene


def _scene_after(step: Step | None, scene: Scene, path: str) -> Scene:
    """Return the scene as the steps after the drawn `step` find it."""
    if not isinstance(step, SpatialStep):
        return scene
    here = scene.at(path)
    return replace(scene, geometry=grid_after(step, here), history=(*scene.history, (step, here)))


def grid_after(step: SpatialStep, here: Scene) -> Geometry:
    """Return the grid that a drawn step leaves behind; raises SampleError where it has too many voxels."""
    grid = step.new_grid(here) if isinstance(step, GridStep) else here.geometry
    voxels = grid.voxels
    if grid is not here.geometry and voxels > here.max_voxels:
        allowed = f"limits.max_voxels allows {here.max_voxels:g}"
        raise SampleError("too_large", f"{step.step_name()} makes a grid of {voxels} voxels; {allowed}")
    return grid
