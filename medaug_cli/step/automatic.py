"""What the automatic policies share: steps at a magnitude, and steps that are plausible for a modality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import Policy, Step
from medaug_cli.step.magnitude import at_magnitude

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene

    Form = dict[str, dict[str, Any]]

# Ends of the ranges: what scanners, positioning and protocols still bring about. Nothing is mirrored, since left and
# right differ in patients; intensities of CT are in HU and keep their meaning.
SPATIAL: Form = {
    "rotate": {"rotation_deg": [-20, 20]},
    "translate": {"translation_mm": [-15, 15]},
    "scale": {"scale": [0.8, 1.25], "isotropic": True},
    "shear": {"shear_deg": [-8, 8]},
}
_SOFT: Form = {"elastic": {"displacement_mm": [0, 8]}}
_SHARPNESS: Form = {"blur": {"sigma_mm": [0, 2]}, "low_resolution": {"factor": [0.4, 1]}}
_NOISE: Form = {"gaussian_noise": {"sigma": [0, 0.1], "relative_to": "percentile"}}
_TONES: Form = {"gamma": {"log_gamma": [-0.5, 0.5]}, "contrast": {"factor": [0.6, 1.4]}}
_MR: Form = {
    "bias_field": {"strength": [0, 0.8]},
    "motion": {"rotation_deg": [-6, 6], "translation_mm": [-6, 6]},
    "ghosting": {"intensity": [0, 0.8]},
    "spike": {"intensity": [0, 0.6]},
    "gibbs": {"alpha": [0, 0.6]},
}
_CT: Form = {
    "brightness": {"add": [-40, 40], "relative_to": "none"},
    "contrast": {"factor": [0.85, 1.15]},
    "gaussian_noise": {"sigma": [0, 50], "relative_to": "none"},
}
_PICTURE: Form = {"rotate": {"rotation_deg": [-12, 12]}, "scale": {"scale": [0.85, 1.15], "isotropic": True}}
_COLOUR: Form = {
    "color_jitter": {"brightness": [0.7, 1.3], "contrast": [0.7, 1.3], "saturation": [0.6, 1.4], "hue": [-0.05, 0.05]},
}


def plausible(scene: Scene) -> Form:
    """Return the steps and ranges that are plausible for the modality of a sample's first image, spatial ones first."""
    if scene.rgb:
        return {**SPATIAL, **_COLOUR, **_SHARPNESS, **_NOISE}
    match scene.modality:
        case "MR":
            return {**SPATIAL, **_SOFT, **_TONES, **_MR, **_SHARPNESS, **_NOISE}
        case "CT":
            return {**SPATIAL, **_SOFT, **_CT, **_SHARPNESS}
        case "CR" | "DX" | "MG":
            return {**_PICTURE, "translate": SPATIAL["translate"], **_TONES, **_SHARPNESS, **_NOISE}
        case _:
            return {**SPATIAL, **_SOFT, **_TONES, **_SHARPNESS, **_NOISE}


def suits(step: Step, scene: Scene) -> bool:
    """Say whether a sample, with all its images and slices, allows a step."""
    try:
        step.check(scene)
    except SampleError:
        return False
    return True


class AutomaticPolicy(Policy):
    """A policy that sets the strength of its steps by one number, and knows steps for every modality."""

    steps: tuple[Step, ...] = Field(
        default=(), description="The steps to choose from; those plausible for the sample's modality if left out."
    )
    magnitude: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of(0.4), description="Part of each step's own range, from what changes nothing to its end."
    )

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the policy with its steps at the drawn magnitude."""
        drawn = super().fix(generator, scene)
        steps = self.steps or self.usual_steps(scene)
        strong = tuple(at_magnitude(step, drawn.magnitude.value, generator) for step in steps)
        return drawn.model_copy(update={"steps": strong})

    def usual_steps(self, scene: Scene) -> tuple[Step, ...]:
        """Return the steps that are plausible for a sample."""
        raise NotImplementedError
