"""Augmix: an automatic policy that mixes an image with chains of intensity steps applied to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from medaug_cli.core.lazy import np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep, Step
from medaug_cli.step.automatic import SPATIAL, plausible, suits
from medaug_cli.step.magnitude import at_magnitude
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from medaug_cli.core.arrays import FloatArray
    from medaug_cli.core.sample import Volume
    from medaug_cli.step import Scene

_COLOURS = 3
_DIGITS = 6  # of weights: the last bits of a processor's logarithms must not reach the voxels


def _read(form: object) -> object:
    """Return the step that a record writes as {name: {parameter: value}}."""
    if isinstance(form, dict) and len(form) == 1 and next(iter(form)) in step_names():
        name, values = next(iter(form.items()))
        return load_step(name).model_validate(values or {})
    return form


def _write(step: Step) -> Any:
    return {step.step_name(): step.values() | ({"p": step.p} if step.p < 1 else {})}


Inner = Annotated[Step, BeforeValidator(_read), PlainSerializer(_write)]


class Augmix(IntensityStep):
    """Return (1 - share) · image + share · Σ weight · chain(image), each chain some steps in a row (Hendrycks 2020).

    Each step of a chain is drawn at a part of its range up to `magnitude`. Weights follow a Dirichlet distribution, the
    share a beta distribution. Labels cannot be mixed, so spatial steps are refused.
    """

    code: ClassVar[tuple[str, str, str]] = ("AUGMIX", "99MEDAUG", "Mixture of intensity changes")
    peer: ClassVar[str] = "torchvision.AugMix, keras.AugMix"
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {
        "chains": ("steps", "magnitude", "width", "count"),
        "weights": ("width", "alpha", "chains"),
        "share": ("alpha",),
    }
    spent: ClassVar[tuple[str, ...]] = ("steps", "count")

    steps: tuple[Inner, ...] = Field(
        default=(), description="Intensity steps to choose from; those plausible for the modality if left out."
    )
    magnitude: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of(0.4), description="Greatest part of each step's own range."
    )
    width: Annotated[int, Field(ge=1, le=10)] = Field(default=3, description="Number of chains.")
    count: Annotated[Span, Bounds(ge=1, le=10, whole=True)] = Field(
        default=Span.of([1, 3]), description="Steps of a chain, drawn for each chain."
    )
    alpha: Annotated[float, Field(gt=0, le=100)] = Field(
        default=1.0, description="Parameter of the Dirichlet and beta distributions; greater mixes more evenly."
    )
    chains: tuple[tuple[Inner, ...], ...] | None = Field(
        default=None, description="The steps of each chain, instead of drawn ones; the record of what was drawn."
    )
    weights: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = Field(
        default=None, description="The weight of each chain, instead of drawn ones."
    )
    share: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="The share of the chains in the mixture, instead of a drawn one; 0 changes nothing."
    )

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        for step in (*self.steps, *(step for chain in self.chains or () for step in chain)):
            name = step.step_name()
            if type(step) is Step:  # stands for a mistake that the recipe has told already
                continue
            if not isinstance(step, IntensityStep):
                raise ValueError(f"augmix mixes intensities, and labels cannot be mixed; put {name} before or after it")  # noqa: TRY004  pydantic collects ValueErrors
            if step.channels or step.by_channel:
                raise ValueError(f"augmix applies {name} to whole chains; write channels under augmix instead")
        if self.weights is not None and len(self.weights) != len(self.chains or ()):
            raise ValueError("weights needs one number for each of the chains")
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its chains, their weights and their share drawn."""
        drawn = super().fix(generator, scene)
        chains = self._draw_chains(generator, scene, drawn.magnitude.value) if self.chains is None else self.chains
        update = {
            "steps": (),
            "count": Span.of(1),
            "chains": chains,
            "weights": _draw_weights(generator, len(chains), self.alpha) if self.weights is None else self.weights,
            "share": round(float(generator.beta(self.alpha, self.alpha)), _DIGITS)
            if self.share is None
            else self.share,
        }
        return drawn.model_copy(update=update)

    def lossy_ratio(self, volume: Volume) -> float | None:
        """Return the greatest ratio of the chains that went through lossy storage and have a part in the mixture."""
        if not self.share:
            return None
        weighed = zip(self.chains or (), self.weights or (), strict=True)
        steps = [step for chain, weight in weighed if weight for step in chain if isinstance(step, IntensityStep)]
        return max(filter(None, (step.lossy_ratio(volume) for step in steps)), default=None)

    def _draw_chains(self, generator: Generator, scene: Scene, magnitude: float) -> tuple[tuple[Step, ...], ...]:
        steps = self.steps or _usual_steps(scene)
        chains = []
        for number in range(self.width):
            chain = []
            count = int(self.count.draw(generator, whole=True).value) if steps else 0
            for place in range(count):
                step = steps[int(generator.integers(len(steps)))]
                strong = at_magnitude(step, magnitude * generator.random(), generator)
                chain.append(strong.draw(_inner(scene, number, place)))
            chains.append(tuple(step for step in chain if step is not None))
        return tuple(chains)

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place."""
        if not self.share or not self.chains:
            return
        mixed = np.zeros_like(array)
        for number, (chain, weight) in enumerate(zip(self.chains, self.weights or (), strict=True)):
            changed = array.copy()
            for place, step in enumerate(chain):
                if isinstance(step, IntensityStep):
                    for part in _parts(changed, step, scene):
                        step.apply(part, _inner(scene, number, place))
            changed *= np.float32(weight * self.share)
            mixed += changed
        array *= np.float32(1.0 - self.share)
        array += mixed


def _draw_weights(generator: Generator, count: int, alpha: float) -> tuple[float, ...]:
    """Return `count` weights that sum to 1."""
    weights = [round(float(weight), _DIGITS) for weight in generator.dirichlet([alpha] * count)]
    rest = round(1.0 - sum(weights[:-1]), _DIGITS)
    return (*weights[:-1], max(rest, 0.0))


def _parts(array: FloatArray, step: IntensityStep, scene: Scene) -> Sequence[FloatArray]:
    """Return what a step changes as one: all components, or red, green and blue of each picture of a film."""
    if not (scene.rgb and step.by_picture):
        return (array,)
    return [array[n : n + _COLOURS] for n in range(0, len(array), _COLOURS)]


def _inner(scene: Scene, chain: int, place: int) -> Scene:
    return scene.at(f"chain {chain} step {place}")


def _usual_steps(scene: Scene) -> tuple[Step, ...]:
    """Return the intensity steps that are plausible for a sample, but those that one of its images does not allow.

    Noise is left out, as in the paper: a mixture would lay several kinds of it over each other.
    """
    names = {name: values for name, values in plausible(scene).items() if name not in SPATIAL and "noise" not in name}
    steps = [load_step(name)(**values) for name, values in names.items()]
    return tuple(step for step in steps if isinstance(step, IntensityStep) and suits(step, scene))
