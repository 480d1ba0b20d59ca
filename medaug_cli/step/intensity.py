"""Steps that change intensities and never see a label, channel by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.step.base import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.sample import Volume
    from medaug_cli.step.scene import Scene

_FEWEST_LEVELS = 16


def _check_ascending(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        raise ValueError(f"{list(pair)} does not ascend; allowed: [low, high]")
    return pair


Ascending = Annotated[tuple[float, float], AfterValidator(_check_ascending)]
"""Two intensities, [low, high]."""


def is_narrow(output: tuple[float, float]) -> bool:
    """Say whether fewer whole numbers lie in `output` than an image needs."""
    return output[1] - output[0] < _FEWEST_LEVELS


class ChannelError(ValueError):
    """What is wrong with what `by_channel` says; `errors` are pydantic's, with their place in the step."""

    def __init__(self, errors: Sequence[ErrorDetails]) -> None:
        """Say the first of `errors`, and keep them all."""
        place, message = ".".join(map(str, errors[0]["loc"])), errors[0]["msg"].removeprefix("Value error, ")
        super().__init__(f"{place}: {message}")
        self.errors = tuple(errors)


class IntensityStep(Step):
    """A step that changes intensities and never sees a label."""

    code: ClassVar[tuple[str, str, str]] = ("113053", "DCM", "Pixel by pixel multiplication")

    by_tone: ClassVar[bool] = False
    """Whether intensities change by what they are and by statistics alone, so that 8-bit images need but a table."""
    knows_bytes: ClassVar[bool] = False
    """Whether the range of 8-bit images is taken for 0 to 255, and nothing is measured of them."""

    alternatives: ClassVar[tuple[str, ...]] = ()
    """Parameters of which one is given: where a channel names another than the step, the step's does not count."""
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Parameters that hold what was drawn from others: where a channel names one of these, they are drawn anew."""
    spent: ClassVar[tuple[str, ...]] = ()
    """Distributions that a drawn step holds no more, since parameters of `drawn_from` hold what came of them."""
    by_picture: ClassVar[bool] = False
    """Whether red, green and blue are changed together, one picture of several after another."""

    channels: Literal["each", "shared"] | None = Field(
        default=None,
        description="each: numbers of its own for every channel; shared: the same numbers and the same noise in all; "
        "left out: the same numbers, noise and random fields of its own.",
    )
    by_channel: dict[str, dict[str, Any]] | None = Field(
        default=None, description="Parameters of single channels, {channel: {parameter: value}}; the record of each."
    )

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        found: list[ErrorDetails] = []
        for channel in self.by_channel or ():
            try:
                self.for_channel(channel)
            except ValidationError as error:
                every = error.errors(include_url=False)
                found += ({**one, "loc": ("by_channel", channel, *one["loc"])} for one in every)
        if found:
            raise ChannelError(found)
        return self

    def lossy_ratio(self, volume: Volume) -> float | None:
        """Return how many times smaller this step's storage made `volume`; None: it did not pass through any."""
        del volume
        return None

    def for_channel(self, channel: str) -> Self:
        """Return the step as it is for one channel; raises ValidationError."""
        if self.by_channel is None or channel not in self.by_channel:
            return self
        own = self.by_channel[channel]
        instead = self.alternatives if any(key in own for key in self.alternatives) else ()
        optional = {key for key in self.redrawn(own) if type(self).model_fields[key].default is None}
        shared = {key: value for key, value in self._settings().items() if key not in optional.union(instead)}
        return type(self).model_validate({**shared, **own})

    def forms(self, channels: Sequence[str] = ()) -> tuple[Self, ...]:
        """Return the step as it is for each of the `channels`, each form once; without any, every form it has."""
        named = self.by_channel or {}
        own = tuple(self.for_channel(one) for one in (channels or named) if one in named)
        return own if channels and set(channels) <= set(named) else (self, *own)

    def redrawn(self, named: Iterable[str]) -> set[str]:
        """Return the parameters that are drawn from those that a channel names, and not named themselves."""
        names = set(named)
        return {key for key, sources in self.drawn_from.items() if key not in names and names.intersection(sources)}

    def _drawn_for(self, channel: str, drawn: Self) -> Self:
        """Return the `drawn` step with what `channel` names, and what is drawn from that, as the recipe has it."""
        own, mine, named = self.for_channel(channel).completed(), self.completed(), (self.by_channel or {})[channel]
        redrawn = own.redrawn(named)
        apart = {*named, *redrawn, *(self.spent if redrawn else ())}
        kept = (key for key in type(self).model_fields if key not in apart and getattr(own, key) == getattr(mine, key))
        return own.model_copy(update={key: getattr(drawn, key) for key in kept})

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
        starts = {
            name: self.for_channel(name) if self.channels == "each" else self._drawn_for(name, drawn) for name in names
        }
        own = {name: start.fix(scene.at(name).generator("draw"), scene) for name, start in starts.items()}
        # Where every channel has numbers of its own, the step's are the first's rather than numbers nobody uses.
        first = own[names[0]] if self.channels == "each" else drawn
        # What a channel does without is null in its record, or the step's would take its place.
        nothing = dict.fromkeys(first._settings())  # noqa: SLF001  the same class
        by_channel = {name: nothing | step._settings() for name, step in own.items()}  # noqa: SLF001  the same class
        return first.model_copy(update={"channels": self.channels, "by_channel": by_channel})

    def takes_bytes(self, scene: Scene) -> bool:
        """Say that `apply` may be given the bytes (uint8) of an 8-bit image; the result is what float32 would hold."""
        del scene
        return False

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place, for a drawn step."""
        raise NotImplementedError

    def applied(self, source: FloatArray, scene: Scene) -> FloatArray:
        """Return a changed copy of `source`, what `apply` would make of it."""
        made = source.copy()
        self.apply(made, scene)
        return made


class ColourStep(IntensityStep):
    """An intensity step for images of red, green and blue; it refuses others."""

    needs_rgb: ClassVar[bool] = True
    by_picture: ClassVar[bool] = True
    refused_for: ClassVar[tuple[str, ...]] = ("CR", "CT", "DX", "MG", "MR", "NM", "PT")
