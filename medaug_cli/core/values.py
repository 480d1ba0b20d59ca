"""Values of a recipe: a number, or the distribution it is drawn from (the grammar of transforms.md §1)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic_core import core_schema

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import ARRAY_AXES, PATIENT_AXES, PLANE_AXES

if TYPE_CHECKING:
    from numpy.random import Generator
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

    from medaug_cli.core.geometry import Geometry

AnySpan = TypeVar("AnySpan", "Span", "AxisSpan")
Kind = Literal["fixed", "uniform", "log_uniform", "normal", "choice"]
FORMS = "a number, [low, high], {uniform: …}, {log_uniform: …}, {normal: [mean, sd], clip: …} or {choice: […]}"


@dataclass(frozen=True)
class Span:
    """One number (`fixed`) or the distribution that it is drawn from."""

    kind: Kind
    numbers: tuple[float, ...]
    weights: tuple[float, ...] | None = None
    clip: tuple[float, float] | None = None

    @classmethod
    def of(cls, form: object) -> Span:
        """Return the span that a recipe writes as `form`; raises ValueError."""
        if isinstance(form, Span):
            return form
        if isinstance(form, Mapping):
            return _from_mapping(form)
        if isinstance(form, Sequence) and not isinstance(form, str):
            return cls("uniform", _pair(form, "[low, high]"))
        return cls("fixed", (_number(form),))

    @property
    def value(self) -> float:
        """The drawn number; raises ValueError where it is still a distribution."""
        if self.kind != "fixed":
            raise ValueError(f"{self.dump()} is a distribution, not a number")
        return self.numbers[0]

    def dump(self) -> Any:
        """Return the form that a recipe writes."""
        if self.kind == "fixed":
            return self.numbers[0]
        extra = {"weights": self.weights, "clip": self.clip}
        more = {key: list(value) for key, value in extra.items() if value is not None}
        plain = list(self.numbers)
        return plain if self.kind == "uniform" else {self.kind: plain, **more}

    def support(self) -> tuple[float, float]:
        """Return the least and the greatest number that can be drawn."""
        if self.kind == "normal":
            return self.clip or (-math.inf, math.inf)
        return min(self.numbers), max(self.numbers)

    def draw(self, generator: Generator, *, whole: bool = False) -> Span:
        """Return one number from the distribution, as a fixed span; `whole` draws integers, both ends included."""
        if self.kind == "fixed":
            return self
        low, high = self.numbers[0], self.numbers[-1]
        match self.kind:
            case "uniform" if whole:
                number = float(generator.integers(int(low), int(high), endpoint=True))
            case "uniform":
                number = float(generator.uniform(low, high))
            case "log_uniform":
                # exp(log(x)) may come out beyond x by a rounding.
                number = min(max(math.exp(generator.uniform(math.log(low), math.log(high))), low), high)
            case "normal":
                number = float(generator.normal(low, high))
            case _:
                number = self._choose(generator)
        if self.clip:
            number = min(max(number, self.clip[0]), self.clip[1])
        return Span("fixed", (float(round(number)) if whole else number,))

    def _choose(self, generator: Generator) -> float:
        weights = self.weights or (1.0,) * len(self.numbers)
        return self.numbers[choose_weighted(generator, weights)]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Let pydantic read and write the recipe's own form."""
        return core_schema.no_info_plain_validator_function(
            cls.of, serialization=core_schema.plain_serializer_function_ser_schema(lambda span: span.dump())
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return span_schema(Bounds())


@dataclass(frozen=True)
class AxisSpan:
    """One span an axis (`named`), or one for all of them (`every`), drawn for each axis on its own."""

    every: Span | None = None
    named: tuple[tuple[str, Span], ...] = ()

    @classmethod
    def of(cls, form: object) -> AxisSpan:
        """Return the spans that a recipe writes as `form`; raises ValueError."""
        if isinstance(form, AxisSpan):
            return form
        if isinstance(form, Mapping) and not set(form) & {"uniform", "log_uniform", "normal", "choice"}:
            return cls(named=_named_spans(form))
        return cls(every=Span.of(form))

    def dump(self) -> Any:
        """Return the form that a recipe writes."""
        return self.every.dump() if self.every else {axis: span.dump() for axis, span in self.named}

    def spans(self) -> tuple[Span, ...]:
        """Return every span that stands in it."""
        return (self.every,) if self.every else tuple(span for _, span in self.named)

    def draw(self, generator: Generator, *, isotropic: bool = False) -> AxisSpan:
        """Return a fixed number for each axis, the same one for all if `isotropic` and no axis is named."""
        if self.every and (isotropic or self.every.kind == "fixed"):
            return AxisSpan(every=self.every.draw(generator))
        return AxisSpan(named=tuple((axis, span.draw(generator)) for axis, span in self._by_axis()))

    def _by_axis(self) -> tuple[tuple[str, Span], ...]:
        return self.named or tuple((axis, self.every) for axis in PATIENT_AXES if self.every)

    def vector(self, geometry: Geometry, neutral: float = 0.0, *, signed: bool = False) -> tuple[float, float, float]:
        """Return the drawn numbers for (LR, AP, SI) of the grid's frame; an axis not named keeps `neutral`.

        The patient's axes of a projection image are those that its letters name, and numbers that are `signed` change
        theirs where the frame runs the other way. `horizontal` and `vertical` are the axes nearest to those of the 2-D
        image; raises SampleError for them on a volume.
        """
        numbers = [neutral] * 3
        for axis, span in self._by_axis():
            if axis in PLANE_AXES and geometry.flat_axis is None:
                raise SampleError("axis_undetermined", f"{axis} is for 2-D images; name LR, AP or SI for a volume")
            if axis in PATIENT_AXES:
                place, sense = geometry.frame_axis(PATIENT_AXES.index(axis))
                numbers[place] = span.value * (sense if signed else 1)
            else:
                numbers[geometry.nearest_patient_axes()[geometry.array_axis(axis)]] = span.value
        return numbers[0], numbers[1], numbers[2]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Let pydantic read and write the recipe's own form."""
        return core_schema.no_info_plain_validator_function(
            cls.of, serialization=core_schema.plain_serializer_function_ser_schema(lambda span: span.dump())
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return axis_span_schema(Bounds())


@dataclass(frozen=True)
class Bounds:
    """What the numbers of a span may be.

    `neutral` changes nothing, and is the value of an axis that is not named; a policy's magnitude leads away from it.
    `strength` is False where the number says how and not how much.
    """

    ge: float = -math.inf
    le: float = math.inf
    gt: float = -math.inf
    unit: str = ""
    whole: bool = False
    neutral: float = field(default=0.0)
    strength: bool = True

    def check(self, value: AnySpan) -> AnySpan:
        """Return `value`, a normal distribution clipped to the bounds; raises ValueError if it can leave them."""
        if isinstance(value, Span):
            return self._check_span(value)
        return replace(
            value,
            every=self._check_span(value.every) if value.every else None,
            named=tuple((axis, self._check_span(span)) for axis, span in value.named),
        )

    def _check_span(self, span: Span) -> Span:
        if span.kind == "normal" and span.clip is None and math.isfinite(self.ge) and math.isfinite(self.le):
            span = replace(span, clip=(self.ge, self.le))
        for number in span.support():
            if not self.ge <= number <= self.le or (number <= self.gt and math.isfinite(self.gt)):
                hint = "; give clip: [low, high]" if math.isinf(number) else ""
                raise ValueError(f"{_plain(number)} is out of range; allowed: {self.text()}{hint}")
        # A normal distribution is rounded when drawn; its limits have to be whole, its mean and sd do not.
        numbers = span.clip or () if span.kind == "normal" else span.numbers
        if self.whole and any(number != int(number) for number in numbers):
            raise ValueError(f"{span.dump()} holds a fraction; allowed: whole numbers")
        return span

    def text(self) -> str:
        """Say in words what is allowed."""
        low = f"> {_plain(self.gt)}" if self.gt > self.ge else f"≥ {_plain(self.ge)}" if self.ge > -math.inf else ""
        high = f"≤ {_plain(self.le)}" if self.le < math.inf else ""
        limits = " and ".join(filter(None, (low, high)))
        return " ".join(filter(None, (limits or "any number", self.unit)))

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Check after the form has been read."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made: dict[str, Any] = handler(schema)
        return axis_span_schema(self) if "patternProperties" in str(made) else span_schema(self)


def choose_weighted(generator: Generator, weights: Sequence[float]) -> int:
    """Return an index drawn with `weights`, which need not sum to 1."""
    total = math.fsum(weights)
    aim = generator.random() * total
    reached = 0.0
    for index, weight in enumerate(weights):
        reached += weight
        if aim < reached:
            return index
    return len(weights) - 1


def span_schema(bounds: Bounds) -> dict[str, Any]:
    """Return the JSON Schema of a span within `bounds`."""
    number: dict[str, Any] = {"type": "integer" if bounds.whole else "number"}
    limits = {"minimum": bounds.ge, "maximum": bounds.le, "exclusiveMinimum": bounds.gt}
    number |= {key: value for key, value in limits.items() if math.isfinite(value)}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    free_pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    several = {"type": "array", "items": number, "minItems": 1}
    weights = {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1}
    distributions = [
        _object({"uniform": pair}, ["uniform"]),
        _object({"log_uniform": pair}, ["log_uniform"]),
        _object({"normal": free_pair, "clip": pair}, ["normal"]),
        _object({"choice": several, "weights": weights}, ["choice"]),
    ]
    return {"anyOf": [number, pair, *distributions]}


def axis_span_schema(bounds: Bounds) -> dict[str, Any]:
    """Return the JSON Schema of a span, or of one span an axis."""
    one = span_schema(bounds)
    axes = "|".join(PATIENT_AXES + PLANE_AXES)
    per_axis = {"type": "object", "patternProperties": {f"^({axes})$": one}, "additionalProperties": False}
    return {"anyOf": [*one["anyOf"], {**per_axis, "minProperties": 1}]}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _from_mapping(form: Mapping[Any, Any]) -> Span:
    allowed = {"uniform": (), "log_uniform": (), "normal": ("clip",), "choice": ("weights",)}
    kinds = [key for key in form if key in allowed]
    if len(kinds) != 1 or set(form) - {kinds[0], *allowed[kinds[0]]}:
        raise ValueError(f"keys {', '.join(map(str, form))} do not make a distribution; allowed: {FORMS}")
    kind = kinds[0]
    match kind:
        case "choice":
            return _choice(form)
        case "normal":
            clip = _pair(form["clip"], "clip: [low, high]") if "clip" in form else None
            mean, deviation = _numbers(form[kind], 2, "normal: [mean, sd]")
            if deviation < 0:
                raise ValueError(f"sd {_plain(deviation)} is negative")
            return Span("normal", (mean, deviation), clip=clip)
        case "log_uniform":
            pair = _pair(form[kind], "log_uniform: [low, high]")
            if pair[0] <= 0:
                raise ValueError(f"log_uniform needs numbers above 0, found {_plain(pair[0])}")
            return Span("log_uniform", pair)
        case _:
            return Span("uniform", _pair(form[kind], "uniform: [low, high]"))


def _choice(form: Mapping[Any, Any]) -> Span:
    values = form["choice"]
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise ValueError("choice needs a list of numbers")
    numbers = tuple(_number(value) for value in values)
    if "weights" not in form:
        return Span("choice", numbers)
    weights = _numbers(form["weights"], len(numbers), f"weights: {len(numbers)} numbers")
    if min(weights) < 0 or sum(weights) <= 0:
        raise ValueError("weights must not be negative, nor all 0")
    return Span("choice", numbers, weights=weights)


def _named_spans(form: Mapping[Any, Any]) -> tuple[tuple[str, Span], ...]:
    allowed = PATIENT_AXES + PLANE_AXES
    unknown = [str(axis) for axis in form if axis not in allowed]
    if unknown or not form:
        hint = " (array axes i, j, k have no millimetres of their own)" if set(unknown) & set(ARRAY_AXES) else ""
        raise ValueError(f"unknown axis {', '.join(unknown) or '(none)'}{hint}; allowed: {', '.join(allowed)}")
    return tuple((axis, Span.of(form[axis])) for axis in allowed if axis in form)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number; allowed: {FORMS}")  # noqa: TRY004  pydantic collects ValueErrors
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number with more than 308 digits is too large") from error
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a number; allowed: {FORMS}")
    return number


def _numbers(values: object, count: int, what: str) -> tuple[float, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        raise ValueError(f"{values!r} does not fit; allowed: {what}")
    return tuple(_number(value) for value in values)


def _pair(values: object, what: str) -> tuple[float, float]:
    low, high = _numbers(values, 2, what)
    if low > high:
        raise ValueError(f"low {_plain(low)} lies above high {_plain(high)}; write [{_plain(high)}, {_plain(low)}]")
    return low, high


def _plain(number: float) -> str:
    return f"{number:g}"
