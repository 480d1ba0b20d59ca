"""Steps: what every entry of a recipe's `steps` has in common. One subclass a file in `transforms/`.

A step's fields are the YAML keys, the help text, the JSON Schema and, once drawn, the record: a drawn step is the
same class with every distribution replaced by a number, and validates back into a step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.core.seeding import make_generator
from medaug_cli.core.values import AxisSpan, Bounds, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator

    from medaug_cli.core.arrays import AnyArray, BoolArray, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import LabelMap
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.spatial.resample import Resampler

Fill = Literal["minimum", "mean", "edge", "air", "otsu_background"] | float
Probability = Annotated[float, Field(ge=0, le=1)]
Resampling = tuple[str | None, str | None, str | float | None]
"""Interpolation, label interpolation and fill; None where a step does not mind."""

_FEWEST_LEVELS = 16
NEEDS_FRACTIONS = (
    "the result is fractions, which copies stored as whole numbers round away; set output: {dtype: float32}, which "
    "NIfTI holds and DICOM does not"
)


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step may know of the sample it is drawn for or applied to.

    `geometry` is the grid of the first image when drawing and mapping, as the steps before have left it, and that of
    the array itself when changing intensities; `valid` (z, y, x) marks the voxels that hold a measurement, None meaning
    all. `words` key the generators. `labels` are the label maps as read, with the names of their values; `history` are
    the spatial steps drawn so far, each with its scene.
    `channels` are the names of the sample's images; `rgb` says that all of them (the array itself when applying) are
    colour images of red, green and blue; `eight_bit` that all images were read as 8-bit numbers from 0 to 255.
    `modality` is that of the first image, `modalities` are those of all images; empty where nothing tells.
    `whole_numbers` says that the copy of an image is stored as integers.
    `windows` are the display windows (centre, width) of all images, `window` is that of the array when applying.
    """

    geometry: Geometry
    seed: int
    words: tuple[str | int, ...]
    modality: str = ""
    modalities: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    irregular: str = ""
    resampler: Resampler = "kernel"
    valid: BoolArray | None = None
    channels: tuple[str, ...] = ()
    rgb: bool = False
    eight_bit: bool = False
    whole_numbers: bool = False
    windows: tuple[tuple[float, float] | None, ...] = ()
    window: tuple[float, float] | None = None
    labels: Mapping[str, LabelMap] = field(default_factory=dict)
    label_values: Mapping[int, str] = field(default_factory=dict)
    history: tuple[tuple[SpatialStep, Scene], ...] = ()
    max_voxels: float = 4.0e8

    def generator(self, purpose: str) -> Generator:
        """Return the generator for `purpose`; the same words give the same numbers."""
        return make_generator(self.seed, *self.words, purpose)

    def of_image(self, index: int) -> Scene:
        """Return the scene of one image of the sample, with its own modality and window."""
        modality = self.modalities[index] if self.modalities else self.modality
        return replace(self, modality=modality, window=self.windows[index] if self.windows else self.window)

    def at(self, path: str) -> Scene:
        """Return the scene of the step at `path`."""
        return replace(self, words=(*self.words, path))


class Step(BaseModel):
    """One entry of a recipe's `steps`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    code: ClassVar[tuple[str, str, str]]
    """DICOM derivation code (value, scheme, meaning), CID 7203 or local."""
    peer: ClassVar[str] = ""
    """The same step in the libraries that users come from."""
    needs_regular_grid: ClassVar[bool] = False
    needs_rgb: ClassVar[bool] = False
    meant_for: ClassVar[tuple[str, ...]] = ()
    """Modalities (DICOM's codes) whose images the step may change; empty for all."""
    refused_for: ClassVar[tuple[str, ...]] = ()
    """Modalities for which the step would be wrong."""

    p: Probability = Field(default=1.0, description="Probability that the step is applied.")

    @classmethod
    def step_name(cls) -> str:
        """Return the name that recipes use: the name of the step's module."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def refuses(cls, modality: str) -> str:
        """Return why the step would be wrong for `modality`; empty where it fits, or where nothing is known."""
        if not modality or (modality not in cls.refused_for and modality in (cls.meant_for or (modality,))):
            return ""
        meant = f"meant for {' and '.join(cls.meant_for)}, not for" if cls.meant_for else "wrong for"
        return f"{cls.step_name()} is {meant} {modality}"

    def draw(self, scene: Scene) -> Self | None:
        """Return the step with a number for every distribution, or None if chance leaves it out.

        Raises SampleError where the step would do something wrong to this sample.
        """
        generator = scene.generator("draw")
        if generator.random() >= self.p:
            return None
        self.check(scene)
        return self.fix(generator, scene)

    def check(self, scene: Scene) -> None:
        """Raise SampleError where the step would do something wrong to this sample."""
        for modality in scene.modalities or (scene.modality,):
            if why := self.refuses(modality):
                hint = "leave the step out, or say with dataset.modality what the images are"
                raise SampleError("wrong_modality", f"{why}; {hint}")
        if self.needs_regular_grid and scene.irregular:
            reason, _, what = scene.irregular.partition(": ")
            raise SampleError(reason, f"{self.step_name()} needs a regular grid of slices: {what}")
        if scene.whole_numbers and self.needs_fractions():
            raise SampleError("needs_fractions", f"{self.step_name()}: {NEEDS_FRACTIONS}")
        if self.needs_rgb and not scene.rgb:
            raise SampleError(
                "not_rgb",
                f"{self.step_name()} is for colour images of red, green and blue, and an image of this sample is none",
            )

    def needs_fractions(self) -> bool:
        """Say that the result would be lost if it were rounded to whole numbers."""
        return False

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with every distribution replaced by a number, drawn in the order of the fields.

        `scene` is for steps whose numbers depend on the sample.
        """
        del scene
        isotropic = bool(getattr(self, "isotropic", False))
        drawn: dict[str, Any] = {}
        for key, info in type(self).model_fields.items():
            value = getattr(self, key)
            if isinstance(value, Span):
                whole = any(isinstance(item, Bounds) and item.whole for item in info.metadata)
                drawn[key] = value.draw(generator, whole=whole)
            elif isinstance(value, AxisSpan):
                drawn[key] = value.draw(generator, isotropic=isotropic)
        return self.model_copy(update=drawn)

    def values(self) -> dict[str, Any]:
        """Return the drawn numbers and settings as the manifest keeps them; they validate back into this step."""
        return self.model_dump(mode="json", exclude={"p"}, exclude_none=True)


class SpatialStep(Step):
    """A step that moves content: it gives a mapping, and the one resampler applies it to everything in the sample."""

    code: ClassVar[tuple[str, str, str]] = ("113085", "DCM", "Spatial resampling")
    needs_regular_grid: ClassVar[bool] = True
    moves_anatomy: ClassVar[bool] = True
    """Whether anatomy leaves its place in the patient's coordinates, so that the frame of reference is another."""

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return the parts of the mapping from output to input positions, for a drawn step."""
        raise NotImplementedError

    def resampling(self) -> Resampling:
        """Return how voxels are found where this step needs them; neighbours that agree are resampled as one."""
        return None, None, None

    def swaps(self, scene: Scene) -> tuple[tuple[str, str], ...]:
        """Return the pairs of label names that change places."""
        del scene
        return ()

    def swaps_laterality(self, scene: Scene) -> bool:
        """Say whether left becomes right in what the header calls laterality."""
        del scene
        return False

    def report(self, scene: Scene) -> dict[str, Any]:
        """Return what the manifest says about quality (the range of the Jacobian determinant)."""
        del scene
        return {}


class GridStep(SpatialStep):
    """A step that leaves the content in its place and gives the sample another grid."""

    moves_anatomy: ClassVar[bool] = False

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the grid that takes the place of `scene.geometry`, for a drawn step."""
        raise NotImplementedError

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return no part: what is at a position stays there."""
        del scene
        return ()


class ResamplingStep(SpatialStep):
    """A spatial step whose result lies between voxels."""

    interpolation: Literal["linear", "bspline", "nearest"] = Field(
        default="linear", description="How intensities between voxels are found."
    )
    label_interpolation: Literal["nearest", "label_linear"] = Field(
        default="nearest", description="label_linear takes the label with the largest linear weight."
    )
    fill: Fill = Field(
        default="minimum",
        description="Intensity outside the field of view: minimum, mean, edge, air (-1024 HU), otsu_background "
        "(mean of the darker part of the outer faces) or a number.",
    )

    def resampling(self) -> Resampling:
        """Return interpolation, label interpolation and fill; neighbours that agree are resampled as one."""
        return self.interpolation, self.label_interpolation, self.fill


def join_resampling(one: Resampling, other: Resampling) -> Resampling | None:
    """Return what suits two steps at once, None where they differ."""
    if any(
        first is not None and second is not None and first != second for first, second in zip(one, other, strict=True)
    ):
        return None
    return one[0] or other[0], one[1] or other[1], other[2] if one[2] is None else one[2]


class IntensityStep(Step):
    """A step that changes intensities and never sees a label."""

    code: ClassVar[tuple[str, str, str]] = ("113053", "DCM", "Pixel by pixel multiplication")

    channels: Literal["each", "shared"] | None = Field(
        default=None,
        description="each: numbers of its own for every channel; shared: the same numbers and the same noise in all; "
        "left out: the same numbers, noise and random fields of its own.",
    )
    by_channel: dict[str, dict[str, Any]] | None = Field(
        default=None, description="Parameters of single channels, {channel: {parameter: value}}; the record of each."
    )

    @staticmethod
    def is_narrow(output: tuple[float, float]) -> bool:
        """Say whether fewer whole numbers lie in `output` than an image needs."""
        return output[1] - output[0] < _FEWEST_LEVELS

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        for channel in self.by_channel or ():
            try:
                self.for_channel(channel)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(map(str, ("by_channel", channel, *first["loc"])))
                raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from error
        return self

    def for_channel(self, channel: str) -> Self:
        """Return the step as it is for one channel; raises ValidationError."""
        if self.by_channel is None or channel not in self.by_channel:
            return self
        return type(self).model_validate({**self._settings(), **self.by_channel[channel]})

    def _settings(self) -> dict[str, Any]:
        """Return what is the same kind of thing for one channel as for all."""
        return {key: value for key, value in self.values().items() if key not in ("channels", "by_channel")}

    def draw(self, scene: Scene) -> Self | None:
        """Return the step with its numbers, those of each channel under `by_channel` where they differ."""
        drawn = super().draw(scene)
        given = self.by_channel or {}
        unknown = [channel for channel in given if channel not in scene.channels]
        if unknown:
            allowed = ", ".join(scene.channels)
            raise SampleError("unknown_channel", f"by_channel names {unknown[0]}; the sample's channels: {allowed}")
        names = scene.channels if self.channels == "each" else tuple(given)
        if drawn is None or not names:
            return drawn
        own = {name: self.for_channel(name).fix(scene.at(name).generator("draw"), scene) for name in names}
        # Where every channel has numbers of its own, the step's are the first's rather than numbers nobody uses.
        first = own[names[0]] if self.channels == "each" else drawn
        by_channel = {name: step._settings() for name, step in own.items()}  # noqa: SLF001  the same class
        return first.model_copy(update={"channels": self.channels, "by_channel": by_channel})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place, for a drawn step."""
        raise NotImplementedError


class ColourStep(IntensityStep):
    """An intensity step for images of red, green and blue; it refuses others."""

    needs_rgb: ClassVar[bool] = True
    refused_for: ClassVar[tuple[str, ...]] = ("CR", "CT", "DX", "MG", "MR", "NM", "PT")


class LabelStep(Step):
    """A step that changes label maps and never sees an image."""

    code: ClassVar[tuple[str, str, str]] = ("LABEL", "99MEDAUG", "Change of segmentation")

    def apply(self, labels: AnyArray, scene: Scene) -> AnyArray:
        """Return label map `labels` (z, y, x) changed, of the same type and without a new value; never in place."""
        raise NotImplementedError


class Policy(Step):
    """A step that chooses among other steps."""

    code: ClassVar[tuple[str, str, str]] = ("", "", "")

    steps: tuple[Step, ...] = Field(min_length=1, description="The steps to choose from.")

    def values(self) -> dict[str, Any]:
        """Return the drawn numbers and settings; the chosen steps have entries of their own."""
        return self.model_dump(mode="json", exclude={"p", "steps"}, exclude_none=True)

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of the chosen steps, in the order in which they are applied."""
        raise NotImplementedError


def inner_steps(step: Step) -> tuple[Step, ...]:
    """Return the steps that a step holds: those of a policy, and what others mix."""
    found = getattr(step, "steps", ())
    return found if isinstance(found, tuple) else ()


def may_hold_steps(step: type[Step]) -> bool:
    """Say whether a recipe may write `steps` under a step."""
    return "steps" in step.model_fields


def needs_steps(step: type[Step]) -> bool:
    """Say whether a recipe must write `steps` under a step."""
    return may_hold_steps(step) and step.model_fields["steps"].is_required()
