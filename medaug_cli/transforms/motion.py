"""Motion: the patient moves while k-space is measured, so that its parts come from different positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainSerializer, model_validator

from medaug_cli.core.intensity import low_and_high
from medaug_cli.core.lazy import kspace, np
from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.spatial.affine import center_mm, pull_matrix
from medaug_cli.spatial.mapping import Mapping
from medaug_cli.spatial.resample import Request, resample
from medaug_cli.step.encoded import Axis, EncodedStep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.random import Generator

    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.step import Scene

Triple = tuple[float, float, float]
_JITTER = 0.3  # of the time between two movements, as TorchIO


def _form(value: Any) -> Any:
    """Return what a recipe writes: a distribution, or [LR, AP, SI] for each movement."""
    return value.dump() if isinstance(value, AxisSpan) else [list(one) for one in value]


RotationDeg = Annotated[
    Annotated[AxisSpan, Bounds(ge=-180, le=180, unit="deg")] | tuple[Triple, ...], PlainSerializer(_form)
]
TranslationMm = Annotated[
    Annotated[AxisSpan, Bounds(ge=-1000, le=1000, unit="mm")] | tuple[Triple, ...], PlainSerializer(_form)
]


class Motion(EncodedStep):
    """Compose k-space of segments along one axis, measured before, between and after rigid movements (Shaw 2019).

    A movement takes a voxel to the position where it is read, turned about the image's centre (ITK's Euler3DTransform),
    then shifted; its numbers count from the first position. The segment that holds the centre of k-space keeps the
    still image, which changes places with the first. As torchio.Motion, but for the centre of the rotation.
    """

    peer: ClassVar[str] = "torchio.RandomMotion"
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = dict.fromkeys(
        ("rotation_deg", "translation_mm", "times"), ("count",)
    )

    rotation_deg: RotationDeg = Field(
        default=AxisSpan.of([-4, 4]),
        description="Angles about LR, AP, SI of each movement: drawn, or [[LR, AP, SI], …].",
    )
    translation_mm: TranslationMm = Field(
        default=AxisSpan.of([-4, 4]),
        description="Shift along LR, AP, SI of each movement: drawn, or [[LR, AP, SI], …].",
    )
    count: Annotated[Span, Bounds(ge=0, le=20, whole=True, strength=False)] = Field(
        default=Span.of(2), description="Number of movements, where none are given."
    )
    times: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = Field(
        default=None, description="When each movement happens, from 0 to 1; about evenly spread if left out."
    )
    axis: Axis | tuple[Axis, ...] = Field(
        default="k", description="Axis along which k-space is measured, or several of which one is drawn."
    )
    interpolation: Literal["linear", "nearest"] = Field(
        default="linear", description="How intensities between voxels are found."
    )

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if len(self._given()) > 1:
            found = ", ".join(f"{key} {count}" for key, count in self._lengths().items())
            raise ValueError(f"each movement needs a rotation, a translation and a time; found {found}")
        if self.times is not None and list(self.times) != sorted(self.times):
            raise ValueError("times must ascend")
        return self

    def _lengths(self) -> dict[str, int]:
        """Return how many movements each list names."""
        values = {key: getattr(self, key) for key in ("rotation_deg", "translation_mm", "times")}
        return {key: len(value) for key, value in values.items() if isinstance(value, tuple)}

    def _given(self) -> set[int]:
        return set(self._lengths().values())

    def redrawn(self, named: Iterable[str]) -> set[str]:
        """Return what is drawn anew for a channel that names a count, or a list with a count of its own."""
        names = set(named)
        return super().redrawn({*names, "count"} if names & set(self._lengths()) else names)

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with all its movements drawn."""
        drawn = super().fix(generator, scene)
        count = next(iter(self._given()), int(drawn.count.value))
        movements = {
            key: value
            if isinstance(value, tuple)
            else tuple(value.draw(generator).vector(scene.geometry) for _ in range(count))
            for key, value in (("rotation_deg", self.rotation_deg), ("translation_mm", self.translation_mm))
        }
        times = _draw_times(generator, count) if self.times is None else self.times
        return drawn.model_copy(update={**movements, "times": times, "count": Span.of(count)})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        axis = self.array_axis(scene)
        poses = self._poses(scene.geometry)
        gains = _gains(array.shape[1 + axis], self.times or ())
        fill = low_and_high(array, scene.valid)[0]
        for component in array:
            still = component.copy()
            for pose, gain in zip(poses, gains, strict=True):
                if gain.any():
                    request = Request(still, scene.geometry, self.interpolation, fill, np.float32)
                    moved = resample([request], Mapping((pose,)), scene.resampler)[0]
                    moved -= still
                    kspace.add_filtered(moved, axis, gain, component)

    def _poses(self, grid: Geometry) -> list[Array64]:
        """Return the matrix (4, 4) from output to input positions of each movement."""
        pairs = zip(self.rotation_deg, self.translation_mm, strict=True)  # type: ignore[arg-type]
        center, still = center_mm("image", grid), (1.0, 1.0, 1.0)
        back = [pull_matrix(grid, turn, shift, still, (0.0, 0.0, 0.0), center) for turn, shift in pairs]
        return [np.asarray(np.linalg.inv(matrix)) for matrix in back]


def _draw_times(generator: Generator, count: int) -> tuple[float, ...]:
    step = 1 / (count + 1)
    times = (np.arange(1, count + 1) + generator.uniform(-_JITTER, _JITTER, count)) * step
    return tuple(float(time) for time in times)


def _gains(count: int, times: tuple[float, ...]) -> list[Array64]:
    """Return for each movement its part of `count` planes of k-space, zero frequency at count // 2.

    The pose of the segment that holds the centre goes to the first segment, which the still image leaves.
    """
    ends = [*(int(count * time) for time in times), count]
    starts = [0, *ends[:-1]]
    central = next(n for n, end in enumerate(ends) if end > count // 2)
    gains = []
    for movement in range(1, len(ends)):
        segment = 0 if movement == central else movement
        gain = np.zeros(count)
        gain[starts[segment] : ends[segment]] = 1.0
        gains.append(gain)
    return gains
