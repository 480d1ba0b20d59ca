"""Histogram match: the intensities of a reference image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.core.intensity import low_and_high, mean_and_deviation, measured
from medaug_cli.core.lazy import np, tones
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step.reference import ReferenceStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64, BoolArray, FloatArray
    from medaug_cli.core.sample import Volume
    from medaug_cli.step import Scene

_ENDS = 3  # landmarks that are no quantiles: minimum, threshold, maximum


class HistogramMatch(ReferenceStep):
    """Map the quantiles of an image to those of a reference, by straight lines between them.

    As itk.HistogramMatchingImageFilter (Nyul and Udupa 1999): `match_points` quantiles of what is at least as bright as
    the threshold, counted in `levels` bins, and the minimum, the threshold and the maximum.
    """

    code: ClassVar[tuple[str, str, str]] = ("HISTMATCH", "99MEDAUG", "Histogram matching")
    peer: ClassVar[str] = "SimpleITK.HistogramMatching, torchio.HistogramStandardization, skimage.match_histograms"
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = dict.fromkeys(
        ("landmarks", "reference_sha256"), ("reference", "levels", "match_points", "threshold")
    )

    levels: Annotated[int, Field(ge=2, le=65536)] = Field(default=256, description="Bins of each histogram.")
    match_points: Annotated[int, Field(ge=1, le=255)] = Field(default=7, description="Number of quantiles.")
    threshold: Literal["mean", "minimum"] = Field(
        default="mean", description="mean leaves the background out of the histograms, minimum counts all."
    )
    strength: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of(1), description="Share of the way to the reference; 0 changes nothing."
    )
    landmarks: tuple[float, ...] | None = Field(
        default=None,
        description="Minimum, threshold, quantiles and maximum of the reference; read from it unless given.",
        examples=[[0, 40, 55, 60, 65, 70, 75, 80, 90, 120]],
    )

    @model_validator(mode="after")
    def _check_landmarks(self) -> Self:
        if self.landmarks is None:
            if self.reference is None:
                raise ValueError("histogram_match needs reference: the file whose intensities to take, or landmarks")
            return self
        wanted = self.match_points + _ENDS
        if len(self.landmarks) != wanted:
            raise ValueError(
                f"match_points {self.match_points} needs {wanted} landmarks, found {len(self.landmarks)}: "
                "minimum, threshold, quantiles, maximum"
            )
        if list(self.landmarks) != sorted(self.landmarks):
            raise ValueError("landmarks must not descend")
        return self

    def learned(self) -> bool:
        """Say whether the step has its landmarks."""
        return self.landmarks is not None

    def learn(self, volume: Volume) -> dict[str, Any]:
        """Return the landmarks of the reference."""
        valid = None if volume.void is None else ~volume.void
        return {"landmarks": tuple(map(float, self._landmarks_of(volume.array, valid)))}

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place; a constant volume stays as it is."""
        if self.landmarks is None:
            raise SampleError(
                "reference_unread", "histogram_match: the reference was not read; run the recipe as a file"
            )
        share = self.strength.value
        own = self._landmarks_of(array, scene.valid)
        if share == 0 or own[0] == own[-1]:
            return
        wanted = own + (np.array(self.landmarks) - own) * share
        tones.map_through(array, own, wanted)

    def _landmarks_of(self, array: FloatArray, valid: BoolArray | None) -> Array64:
        """Return minimum, threshold, quantiles and maximum of the voxels that are valid."""
        low, high = low_and_high(array, valid)
        least = mean_and_deviation(array, valid)[0] if self.threshold == "mean" else low
        if low == high:
            return np.full(self.match_points + _ENDS, low)
        least = min(max(least, low), high)
        counts = tones.count_bins(measured(array, valid), least, high, self.levels)
        shares = np.cumsum(counts) / max(int(counts.sum()), 1)
        edges = np.linspace(least, high, self.levels + 1)
        aims = np.arange(1, self.match_points + 1) / (self.match_points + 1)
        bins = np.minimum(np.searchsorted(shares, aims), self.levels - 1)  # the first that reaches the aim
        below = np.where(bins > 0, shares[bins - 1], 0.0)
        parts = (aims - below) / np.maximum(shares[bins] - below, np.finfo(float).tiny)
        quantiles = edges[bins] + np.clip(parts, 0, 1) * (high - least) / self.levels
        return np.concatenate([[low, least], quantiles, [high]])
