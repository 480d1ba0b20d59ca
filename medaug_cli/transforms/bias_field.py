"""Bias field: the smooth multiplicative inhomogeneity of an MR coil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.lazy import elementary, np, random_field
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import Array64, FloatArray
    from medaug_cli.step import Scene


class BiasField(IntensityStep):
    """Multiply by exp(field), the field a polynomial of the position in the grid, or a smooth random one.

    Coordinates run from -1 to 1, from the first to the last voxel centre along i, j, k. `polynomial`: the powers of
    torchio.BiasField, in the order of nested loops over the exponents of i, j, k with sum up to `order`. `legendre`:
    the products of Legendre polynomials of monai.RandBiasField. Drawn coefficients are uniform within ± strength.
    `grid`: a cubic B-spline through random knots `scale_mm` apart, as N4 models the field (Tustison 2010), whose
    greatest size is `strength`.
    """

    peer: ClassVar[str] = "torchio.RandomBiasField, monai.RandBiasField"
    meant_for: ClassVar[tuple[str, ...]] = ("MR",)
    drawn_from: ClassVar[dict[str, tuple[str, ...]]] = {"coefficients": ("model", "order", "strength")}

    model: Literal["polynomial", "legendre", "grid"] = Field(
        default="polynomial", description="A polynomial by its coefficients, or a grid of random knots."
    )
    order: Annotated[int, Field(ge=0, le=6)] = Field(
        default=3, description="Greatest sum of the exponents; not for grid."
    )
    strength: Annotated[Span, Bounds(ge=0, le=5)] = Field(
        default=Span.of([0.0, 0.5]), description="Greatest size of a coefficient, or of the field of a grid."
    )
    scale_mm: Annotated[Span, Bounds(gt=0, le=1000, unit="mm", strength=False)] = Field(
        default=Span.of(80), description="Distance between the knots of a grid."
    )
    coefficients: tuple[float, ...] | None = Field(
        default=None, description="One number a term, instead of drawn ones."
    )

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        if self.model == "grid" and self.coefficients is not None:
            raise ValueError("model grid has no coefficients; its knots are random")
        wanted = len(_exponents(self.order))
        if self.coefficients is not None and len(self.coefficients) != wanted:
            raise ValueError(f"order {self.order} needs {wanted} coefficients, found {len(self.coefficients)}")
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with its coefficients drawn."""
        drawn = super().fix(generator, scene)
        if self.coefficients is not None or self.model == "grid":
            return drawn
        count, strength = len(_exponents(self.order)), drawn.strength.value
        numbers = generator.uniform(-strength, strength, count)
        return drawn.model_copy(update={"coefficients": tuple(float(number) for number in numbers)})

    def apply(self, array: FloatArray, scene: Scene) -> None:
        """Change float32 `array` (component, z, y, x) in place, one row of the field at a time."""
        if self.model == "grid":
            self._apply_grid(array, scene)
        else:
            self._apply_polynomial(array)

    def _apply_grid(self, array: FloatArray, scene: Scene) -> None:
        knots = random_field.draw_knots(scene.generator("knots"), scene.geometry, self.scale_mm.value)
        for z, field in enumerate(random_field.planes(knots * self.strength.value, array.shape[1:])):
            for component in array:
                elementary.multiply_by_exp(component[z], field)

    def _apply_polynomial(self, array: FloatArray) -> None:
        powers = [_basis(count, self.order, self.model) for count in array.shape[:0:-1]]  # along x, y, z: (order+1, n)
        cube = np.zeros((self.order + 1,) * 3)
        for exponents, coefficient in zip(_exponents(self.order), self.coefficients or (), strict=True):
            cube[exponents] = coefficient
        rows = np.einsum("abc,by,cz->zya", cube, powers[1], powers[2])
        for component in array:
            elementary.multiply_by_exp_of_sum(component, rows, powers[0])


def _exponents(order: int) -> list[tuple[int, int, int]]:
    return [(a, b, c) for a in range(order + 1) for b in range(order + 1 - a) for c in range(order + 1 - a - b)]


def _basis(count: int, order: int, model: str) -> Array64:
    """Return the values (order + 1, count) of each one-dimensional term at the voxel centres."""
    position = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
    if model == "polynomial":
        return np.asarray(position ** np.arange(order + 1)[:, None])
    return np.asarray(np.polynomial.legendre.legvander(position, order).T)
