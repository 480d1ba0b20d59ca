"""Builders: small volumes, label maps and samples for tests, with every number in sight."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import sitk
from medaug_cli.core.sample import Loaded, LoadedSample, Source, Volume
from medaug_cli.program import Copy, Drawn, Program, apply_program, draw_program, scene_of
from medaug_cli.step import GridStep, IntensityStep, LabelStep, Policy, Scene, SpatialStep
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    import numpy.typing as npt

    from medaug_cli.core.arrays import AnyArray, Array64, FloatArray
    from medaug_cli.step import Step

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
LABEL = [name for name in step_names() if issubclass(load_step(name), LabelStep)]
POLICIES = [name for name in step_names() if issubclass(load_step(name), Policy)]
SPATIAL = [name for name in step_names() if issubclass(load_step(name), SpatialStep)]
GRID_STEPS = [name for name in step_names() if issubclass(load_step(name), GridStep)]
INTENSITY = [name for name in step_names() if issubclass(load_step(name), IntensityStep)]


def rotation(degrees: tuple[float, float, float]) -> Array64:
    """Return the rotation (3, 3) that ITK makes of Euler angles."""
    transform = sitk.Euler3DTransform()
    transform.SetRotation(*(math.radians(angle) for angle in degrees))
    return np.array(transform.GetMatrix()).reshape(3, 3)


def oblique_geometry(
    size: tuple[int, int, int] = (16, 14, 10),
    spacing_mm: tuple[float, float, float] = (0.8, 1.1, 2.5),
    degrees: tuple[float, float, float] = (12.0, -9.0, 20.0),
) -> Geometry:
    """Return an anisotropic grid that is oblique to the patient and far from the world's origin."""
    direction = tuple(float(value) for value in rotation(degrees).ravel())
    return Geometry(size, spacing_mm, (-31.0, 17.5, 102.0), direction)


def positions_mm(geometry: Geometry) -> Array64:
    """Return the LPS position (z, y, x, 3) of every voxel."""
    z, y, x = np.indices(geometry.size[::-1])
    index = np.stack([x, y, z], axis=-1)
    return np.asarray(index @ geometry.affine[:3, :3].T + geometry.affine[:3, 3])


def offsets_ras_mm(geometry: Geometry) -> Array64:
    """Return how far right, anterior and superior of the grid's centre every voxel (z, y, x, 3) lies."""
    return np.asarray((positions_mm(geometry) - geometry.center_mm) * RAS_TO_LPS)


def blob(geometry: Geometry, at_ras_mm: tuple[float, float, float], sigma_mm: float = 3.0) -> FloatArray:
    """Return a Gaussian bright spot (1, z, y, x) so far right, anterior and superior of the centre."""
    squares = ((offsets_ras_mm(geometry) - np.array(at_ras_mm)) ** 2).sum(axis=-1)
    spot: FloatArray = np.exp(-squares / (2 * sigma_mm**2)).astype(np.float32)[None]
    return spot


def centroid_ras_mm(array: AnyArray, geometry: Geometry) -> Array64:
    """Return the centre of mass of `array` (z, y, x) right, anterior and superior of the grid's centre."""
    return np.asarray((offsets_ras_mm(geometry) * array[..., None]).sum(axis=(0, 1, 2)) / array.sum())


def ball(geometry: Geometry, radius_mm: float, at_ras_mm: tuple[float, float, float] = (0, 0, 0)) -> FloatArray:
    """Return a ball (z, y, x) whose value falls through 0.5 at its surface, linearly over 2 mm."""
    distance = np.sqrt(((offsets_ras_mm(geometry) - np.array(at_ras_mm)) ** 2).sum(axis=-1))
    return np.asarray(np.clip((radius_mm - distance) / 2 + 0.5, 0, 1), np.float32)


def covariance_mm2(mask: AnyArray, geometry: Geometry) -> Array64:
    """Return the covariance (3, 3) of the positions of the voxels in `mask`."""
    return np.cov(positions_mm(geometry)[mask > 0].T)


def dice(one: AnyArray, other: AnyArray) -> float:
    """Return the Dice overlap of two masks."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def make_volume(geometry: Geometry, array: AnyArray | None = None, *, components: int = 1, seed: int = 0) -> Volume:
    """Return a volume of `array` (z, y, x) or (component, z, y, x); without one, smooth noise from -1000 to 1000."""
    if array is None:
        rng = np.random.default_rng(seed)
        array = rng.uniform(-1000, 1000, (components, *geometry.size[::-1]))
    return Volume(np.asarray(array, dtype=np.float32).reshape(-1, *geometry.size[::-1]), geometry)


def make_labels(geometry: Geometry, dtype: str = "uint8", values: tuple[int, ...] = (0, 1, 2, 7)) -> LabelMap:
    """Return a label map of blocks, two voxels wide, with `values` in turn."""
    z, y, x = np.indices(geometry.size[::-1])
    return LabelMap(np.array(values, dtype=dtype)[(x // 2 + y // 2 + z // 2) % len(values)], geometry)


def make_sample(
    *images: Volume, labels: dict[str, LabelMap] | None = None, names: dict[int, str] | None = None, **settings: Any
) -> LoadedSample:
    """Return a sample whose images are the channels 0, 1, …; `settings` go to each image (modality, irregular)."""
    source = Source("image", "0", "nifti", ())
    return LoadedSample(
        "case01",
        {str(number): Loaded(source, volume, (), None, **settings) for number, volume in enumerate(images)},
        {name: Loaded(source, label, (), None) for name, label in (labels or {}).items()},
        names or {},
    )


def make_step(name: str, **values: Any) -> Step:
    """Return step `name`; a policy without steps gets two mild ones, a size is as small as the grids here."""
    if name in ("crop_or_pad", "resize"):
        values.setdefault("size", 9)
    if name in POLICIES and "steps" not in values:
        values["steps"] = (make_step("brightness", add=0.5), make_step("contrast", factor=0.5))
    if name == "jpeg" and "range" not in values:
        values["range"] = (-1000, 1000)  # of the builders' volumes, which have more than 8 bits
    if name == "histogram_match" and "reference" not in values and "landmarks" not in values:
        values["landmarks"] = (0, 40, 55, 60, 65, 70, 75, 80, 90, 120)
    return load_step(name)(**values)


def suit(name: str, volume: Volume) -> Volume:
    """Return `volume` as step `name` takes it: its first component as red, green and blue, or as it is."""
    if not load_step(name).needs_rgb:
        return volume
    shades = [volume.array[0] * share for share in (np.float32(1), np.float32(0.6), np.float32(0.3))]
    return replace(volume, array=np.stack(shades), rgb=True)


def modality_of(name: str) -> str:
    """Return a modality that step `name` is meant for: MR wherever it is."""
    step = load_step(name)
    return next(one for one in ("MR", *step.meant_for, "XC") if not step.refuses(one))


def make_scene(geometry: Geometry, copy: int = 1, **known: Any) -> Scene:
    """Return the scene of one copy of a sample with this frame."""
    return Scene(geometry, 1, ("case01", copy), **known)


def augment(sample: LoadedSample, *steps: Step, copy: int = 1) -> Copy:
    """Return one copy of `sample`, drawn and applied."""
    scene = scene_of(sample, 1, copy)
    return apply_program(draw_program(steps, scene), sample, scene)


def change(step: Step, array: npt.ArrayLike, geometry: Geometry | None = None, **known: Any) -> FloatArray:
    """Return `array`, of up to three axes (z, y, x), after a drawn intensity step."""
    changed = np.array(array, dtype=np.float32)
    changed = changed.reshape((1,) * (4 - changed.ndim) + changed.shape)
    scene = make_scene(geometry or Geometry((changed.shape[3], changed.shape[2], changed.shape[1])), **known)
    if not isinstance(step, IntensityStep):
        raise TypeError(step)
    step.apply(changed, scene)
    return changed.reshape(np.shape(array))


def program_of(*steps: Step) -> Program:
    """Return the program of steps that are drawn already."""
    return tuple(Drawn(f"steps[{index}]", step.step_name(), step) for index, step in enumerate(steps))


def to_sitk(array: AnyArray, geometry: Geometry) -> sitk.Image:
    """Return `array` (z, y, x) as a SimpleITK image at its place in the patient."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image
