"""The recipe: what a user asks for, every key declared once."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

from medaug_cli.core.durations import PATTERN, parse_duration
from medaug_cli.core.marks import LEAST_BOX_SHARE
from medaug_cli.core.privacy import NOT_OFFERED, Option, Privacy
from medaug_cli.core.sample import PointsSpace, TransferSyntax
from medaug_cli.step import Step, inner_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ALGORITHM_VERSION = 4
"""Raised whenever the same recipe would give other voxels than before; part of every output's identity."""


NEEDS_DEIDENTIFY = "options and id_map need deidentify: basic"
DATES = frozenset({"retain_full_dates", "retain_modified_dates"})
TWO_KINDS_OF_DATES = "dates are kept in full or modified; choose one option"
IDENTIFIED_ORIGINALS = "output.originals puts identified originals beside de-identified copies; leave it out"


def fault_of_soft_labels(soft_labels: Iterable[str], labels: Iterable[str] | None) -> str:
    """Return what is wrong with `soft_labels`: that they name what `labels`, where there are any, do not."""
    unknown = sorted(set(soft_labels) - set(labels)) if labels else []
    return f"soft_labels names {', '.join(unknown)}, which labels does not" if unknown else ""


class Section(BaseModel):
    """A part of the recipe; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Split(Section):
    """Which rows of the table are augmented."""

    column: str = Field(default="split", description="Column of the table that names the split.")
    augment: tuple[str, ...] = Field(
        default=("train",), min_length=1, description="Splits that are augmented; validation and test never should be."
    )


class DatasetSection(Section):
    """What the dataset holds and how its files belong together."""

    layout: Literal["auto", "nifti", "bids", "nnunet", "dicom"] = Field(
        default="auto", description="How files are laid out; auto looks."
    )
    modality: Literal["auto", "CT", "MR", "DX", "MG", "US", "PT", "OP", "XC"] = Field(
        default="auto", description="Modality, where the headers do not tell."
    )
    images: dict[str, str] | None = Field(
        default=None, description="Channels and their file names, with {case}; may be left out where the layout tells."
    )
    labels: dict[str, str] | None = Field(
        default=None,
        description="Label maps and their file names, with {case} (.dcm: a SEG); for DICOM also folders of labels.",
    )
    soft_labels: tuple[str, ...] = Field(
        default=(), description="Labels that hold shares from 0 to 1 (probabilities), and move without being rounded."
    )
    points: dict[str, str] | None = Field(
        default=None, description="Points or boxes that move with the images, and their file names, with {case}."
    )
    points_space: PointsSpace = Field(
        default="auto", description="What points count in where their file does not say: LPS mm (auto), RAS mm, voxels."
    )
    points_outside: Literal["drop", "keep"] = Field(
        default="drop", description="Points and boxes that leave the image: dropped (boxes cut at its border), or kept."
    )
    min_box_share: float = Field(
        default=LEAST_BOX_SHARE, ge=0, le=1, description="A box of which less is left in the image is dropped."
    )
    group: Literal["series", "frame_of_reference"] = Field(
        default="series", description="DICOM: every series on its own, or co-registered ones as channels."
    )
    label_names: dict[int, str] = Field(default_factory=dict, description="Names of label values, for swap_labels.")
    table: str | None = Field(default=None, description="CSV or TSV in the dataset with rows by case or patient.")
    split: Split | None = Field(default=None, description="Which splits of the table are augmented.")
    on_bad_sample: Literal["skip", "fail"] = Field(
        default="skip", description="skip: recorded, and the run goes on (exit 3); fail: the run stops."
    )

    @model_validator(mode="after")
    def _check_soft_labels(self) -> Self:
        if fault := fault_of_soft_labels(self.soft_labels, self.labels):
            raise ValueError(fault)
        return self

    def declared(self) -> dict[str, Any]:
        """Return what decides how labels and points are read and moved, as far as it is not the default."""
        keys = {"soft_labels", "points_space", "points_outside", "min_box_share"}
        return self.model_dump(mode="json", include=keys, exclude_defaults=True)


_ENCODERS = {"jpegls": ("jpeg_ls",), "j2k": ("pylibjpeg", "openjpeg")}


class OutputSection(Section):
    """How copies are written."""

    originals: Literal["none", "link", "copy"] = Field(
        default="none", description="Whether originals stand in OUTPUT too, as hard links or copies; needs -o."
    )
    compression: Literal["none", "fast", "small"] = Field(
        default="fast", description="gzip effort of .nii.gz: none (stored), fast, small."
    )
    dtype: Literal["preserve", "float32"] = Field(
        default="preserve", description="Type of NIfTI images: the source's, or float32. Labels keep theirs."
    )
    dicom: Literal["same", "classic"] = Field(
        default="same", description="Enhanced multi-frame DICOM: objects of the same class, or classic series."
    )
    transfer_syntax: TransferSyntax = Field(
        default="explicit",
        description="How DICOM pixels are stored, always without loss: as they are, RLE, JPEG-LS, J2K.",
    )

    @field_validator("transfer_syntax")
    @classmethod
    def _check_encoder(cls, syntax: TransferSyntax) -> TransferSyntax:
        missing = [name for name in _ENCODERS.get(syntax, ()) if importlib.util.find_spec(name) is None]
        if missing:
            raise ValueError(f'{syntax} needs an encoder that is not installed; pip install "medaug[codecs]"')
        return syntax


class PrivacySection(Section):
    """What of a patient the copies, the manifest and all names may tell."""

    deidentify: Literal["basic"] | None = Field(
        default=None, description="basic: the Basic Profile of DICOM PS3.15 E, names of files too; null: none."
    )
    options: tuple[Option, ...] = Field(default=(), description="Options of the profile, PS3.15 E.3.")
    key_env: str = Field(
        default="MEDAUG_KEY", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Environment variable with the key."
    )
    key_file: str | None = Field(default=None, description="File with the key instead, outside ROOT.")
    phi_in_paths: Literal["allow", "warn", "refuse"] = Field(
        default="warn", description="What to do where paths contain identifiers of their patients."
    )
    id_map: str | None = Field(
        default=None, description="Private file, outside ROOT, that leads from pseudonyms back to patients."
    )

    @field_validator("options", mode="before")
    @classmethod
    def _is_offered(cls, given: object) -> object:
        asked = [name for name in given if name in NOT_OFFERED] if isinstance(given, list | tuple) else []
        if asked:
            raise ValueError("; ".join(f"{name} is not offered: {NOT_OFFERED[name]}" for name in asked))
        return given

    @model_validator(mode="after")
    def _agrees(self) -> PrivacySection:
        if self.deidentify is None and (self.options or self.id_map):
            raise ValueError(NEEDS_DEIDENTIFY)
        if set(self.options) >= DATES:
            raise ValueError(TWO_KINDS_OF_DATES)
        return self


class LimitsSection(Section):
    """What one sample may take."""

    max_voxels: float = Field(
        default=4.0e8, strict=True, gt=0, description="Voxels of one volume, before it is decoded."
    )
    timeout: str | None = Field(
        default="10m",
        json_schema_extra={"pattern": PATTERN},
        description="How long a job may take, its worker started: 90s, 10m, 1h30m; null: for ever.",
    )

    @field_validator("timeout", mode="before")
    @classmethod
    def _is_a_duration(cls, given: object) -> object:
        if given is not None and parse_duration(str(given)) == 0:
            raise ValueError("a job needs more than 0 seconds")
        return given

    def timeout_s(self) -> float | None:
        """Return the seconds that a job may take; None for ever."""
        return None if self.timeout is None else parse_duration(self.timeout)


class Recipe(Section):
    """What to make of a dataset."""

    version: Literal[1] = Field(description="Version of the recipe's format.")
    name: str = Field(default="", max_length=200, description="A name for people.")
    seed: int = Field(default=0, strict=True, ge=0, le=2**63 - 1, description="Root of every random draw.")
    copies: int = Field(default=1, strict=True, ge=1, le=9999, description="Copies of each sample.")
    dataset: DatasetSection = Field(default_factory=DatasetSection, description="What the dataset holds.")
    steps: tuple[SerializeAsAny[Step], ...] = Field(min_length=1, description="Steps, applied in order.")
    checks: None = Field(default=None, description="null: no checks of a copy.")
    output: OutputSection = Field(default_factory=OutputSection, description="How copies are written.")
    privacy: PrivacySection = Field(default_factory=PrivacySection, description="What of a patient may be told.")
    limits: LimitsSection = Field(default_factory=LimitsSection, description="What one sample may take.")

    @field_validator("privacy", mode="before")
    @classmethod
    def _null_is_default(cls, given: object) -> object:
        return {} if given is None else given

    @model_validator(mode="after")
    def _keeps_originals_out(self) -> Recipe:
        if self.privacy.deidentify is not None and self.output.originals != "none":
            raise ValueError(IDENTIFIED_ORIGINALS)
        return self

    def voxel_digest(self, resampler: str = "kernel", privacy: Privacy | None = None) -> str:
        """Return the SHA-256 of all that decides a copy's voxels; not of its name, nor of how many copies there are.

        Where patients are hidden, by which key and options counts too: no ROOT may hold copies of both kinds.
        """
        modality = self.dataset.modality
        decides: dict[str, Any] = {
            **({"modality": modality} if modality != "auto" else {}),  # steps may draw by it
            "algorithm": ALGORITHM_VERSION,
            "seed": self.seed,
            "steps": [dump_step(step) for step in self.steps],
            "dtype": self.output.dtype,
            "label_names": {str(value): name for value, name in sorted(self.dataset.label_names.items())},
            **self.dataset.declared(),
        }
        if resampler != "kernel":
            decides["resampler"] = resampler
        if privacy is not None:
            decides["privacy"] = [privacy.check, *sorted(privacy.options)]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def dump_step(step: Step) -> dict[str, Any]:
    """Return `step` as a recipe would write it, every parameter named: {name: {parameter: value}}."""
    values = step.model_dump(mode="json", exclude_none=True, exclude={"steps"})
    if children := inner_steps(step):
        values["steps"] = [dump_step(child) for child in children]
    return {step.step_name(): values}


def dump_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return the resolved recipe: every key, with its default where the author left it out.

    Where the key and the private map lie is nobody's business who is given the copies, and stays out.
    """
    plain = recipe.model_dump(mode="json", exclude={"steps": True, "privacy": {"key_file", "id_map"}})
    return {**plain, "steps": [dump_step(step) for step in recipe.steps]}


def names_said(recipe: Recipe) -> frozenset[str]:
    """Return every text that stands in the steps of a recipe, names of channels and labels among them."""
    return frozenset(_texts_in([dump_step(step) for step in recipe.steps]))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        yield from (text for one in value for text in _texts_in(one))
        if isinstance(value, dict):
            yield from (text for one in value.values() for text in _texts_in(one))
