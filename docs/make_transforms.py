"""Make docs/transforms.md and docs/transforms/*.jpg: every step in words, and what it does to the sample data.

`python docs/make_transforms.py` makes both, `--text` the page alone, `--only NAME` one picture. A test compares.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaug_cli.catalogue import describe_step
from medaug_cli.copies import load_sample
from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import np, sitk
from medaug_cli.core.sample import LoadedSample, Source, Volume
from medaug_cli.core.values import AxisSpan, Span
from medaug_cli.formats import Limits
from medaug_cli.preview import describe_program
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.report.lettering import LINE, letter, wrap
from medaug_cli.report.tiles import images_of, labels_of, make_painter
from medaug_cli.step import IntensityStep, Policy, ResamplingStep, Step
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medaug_cli.core.arrays import AnyArray

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "transforms.md"
PICTURES = PROJECT / "docs" / "transforms"
TITLES = {"spatial": "Spatial", "intensity": "Intensity", "label": "Labels", "policy": "Policies"}
SEED, TILES, SIDE, QUALITY = 7, 4, 232, 82
SAGITTAL = ("low_resolution", "motion", "ghosting", "slice_motion", "gibbs", "kspace_undersampling")
BASES: dict[type[Step], str] = {
    Step: "Every step",
    IntensityStep: "Intensity steps",
    ResamplingStep: "Resampling steps",
}

# What is varied from tile to tile, where the default range would show too little or is no range.
SWEEPS: dict[str, list[dict[str, Any]]] = {
    "affine": [{"rotation_deg": {"SI": angle}, "scale": 1, "translation_mm": 0} for angle in (-20, -7, 7, 20)],
    "rotate": [{"rotation_deg": {"SI": angle}} for angle in (-30, -10, 10, 30)],
    "translate": [{"translation_mm": {"LR": shift, "AP": shift}} for shift in (-20, -7, 7, 20)],
    "scale": [{"scale": factor} for factor in (0.7, 0.85, 1.15, 1.3)],
    "shear": [{"shear_deg": {"SI": angle}} for angle in (-20, -7, 7, 20)],
    "elastic": [{"displacement_mm": reach} for reach in (2, 6, 10, 15)],
    "elastic_field": [{"displacement_mm": reach} for reach in (2, 6, 10, 15)],
    "flip": [{"axes": [axis], "p": 1} for axis in ("LR", "AP", "SI")] + [{"axes": ["LR", "AP"], "p": 1}],
    "rotate90": [{"turns": turns} for turns in (-1, 1, 2, 3)],
    "gamma": [{"log_gamma": value} for value in (-0.8, -0.3, 0.3, 0.8)],
    "blur": [{"sigma_mm": sigma} for sigma in (1, 2, 4, 6)],
    "brightness": [{"add": value} for value in (-0.3, -0.1, 0.1, 0.3)],
    "contrast": [{"factor": value} for value in (0.5, 0.75, 1.25, 1.5)],
    "gaussian_noise": [{"sigma": value} for value in (0.02, 0.05, 0.1, 0.2)],
    "bias_field": [{"strength": value} for value in (0.2, 0.5, 0.8, 1.2)],
    "low_resolution": [{"factor": value} for value in (0.7, 0.5, 0.35, 0.25)],
    "poisson_noise": [{"dose": value} for value in (500, 100, 30, 10)],
    "rician_noise": [{"sigma": value} for value in (0.02, 0.05, 0.1, 0.2)],
    "speckle_noise": [{"sigma": value} for value in (0.05, 0.1, 0.2, 0.4)],
    "salt_and_pepper": [{"fraction": value} for value in (0.002, 0.01, 0.05, 0.1)],
    "pixel_dropout": [{"fraction": value} for value in (0.01, 0.05, 0.1, 0.3)],
    "gibbs": [{"alpha": value} for value in (0.5, 0.65, 0.75, 0.85)],
    "ghosting": [{"intensity": value, "num_ghosts": 4, "axis": "k"} for value in (0.25, 0.5, 0.75, 1)],
    "motion": [
        {"rotation_deg": [-reach, reach], "translation_mm": [-reach, reach], "count": 8} for reach in (2, 5, 10, 15)
    ],
    "crop": [{"margin_mm": margin} for margin in (10, 20, 30, 40)],
    "pad": [{"margin_mm": margin} for margin in (10, 20, 40, 60)],
    "crop_or_pad": [{"size": size} for size in (48, 64, 96, 160)],
    "resize": [{"size": size} for size in (16, 32, 64, 128)],
    "resample": [{"spacing_mm": spacing} for spacing in (3, 5, 8, 12)],
    "label_noise": [
        {"erode": 4, "dilate": 0},
        {"erode": 2, "dilate": 0},
        {"erode": 0, "dilate": 2},
        {"erode": 0, "dilate": 4},
    ],
    "channel_misalignment": [{"translation_mm": shift} for shift in (2, 4, 8, 12)],
    "slice_motion": [{"translation_mm": reach} for reach in (1, 2, 4, 8)],
    "grid_distortion": [{"strength": value} for value in (0.1, 0.2, 0.3, 0.5)],
    "perspective": [{"strength": value} for value in (0.1, 0.2, 0.3, 0.5)],
    "median": [{"radius": radius} for radius in (1, 2, 3, 4)],
    "clip_percentiles": [{"low": low, "high": 100 - low} for low in (1, 5, 10, 20)],
    "jpeg": [{"quality": value} for value in (40, 20, 10, 4)],
    "posterize": [{"bits": value} for value in (4, 3, 2, 1)],
    "sharpen": [{"alpha": value} for value in (2, 5, 10, 20)],
    "window": [{"shift": shift, "stretch": width} for shift, width in ((-0.3, 1), (0.3, 1), (0, 0.6), (0, 1.6))],
    "local_gamma": [{"strength": value, "scale_mm": 60} for value in (0.3, 0.6, 1, 1.5)],
    "local_contrast": [{"strength": value, "scale_mm": 60} for value in (0.3, 0.6, 1, 1.5)],
    "local_brightness": [{"strength": value, "scale_mm": 60} for value in (0.1, 0.2, 0.4, 0.6)],
}
# Where chance decides more than strength does: the step as written here, drawn anew for each tile.
DRAWS: dict[str, dict[str, Any]] = {
    "augmix": {"magnitude": 0.9, "count": [1, 3]},
    "cutout": {"size_mm": [30, 60], "count": 4},
    "patch_swap": {"size": 24, "count": 12},
    "color_jitter": {"brightness": [0.6, 1.4], "contrast": [0.6, 1.4], "saturation": [0.3, 1.7], "hue": [-0.3, 0.3]},
    "channel_shift": {"shift": [-0.4, 0.4]},
}


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", action="store_true", help="the page alone")
    parser.add_argument("--only", metavar="NAME", help="the picture of one step alone")
    asked = parser.parse_args()
    if not asked.only:
        PAGE.write_text(page_text(), encoding="utf-8")
    for name in () if asked.text else [asked.only] if asked.only else step_names():
        PICTURES.mkdir(exist_ok=True)
        strip = draw_strip(name)
        image = sitk.GetImageFromArray(strip, isVector=True)
        sitk.WriteImage(image, str(PICTURES / f"{name}.jpg"), useCompression=True, compressionLevel=QUALITY)
        print(name, strip.shape)
    for old in () if asked.only else PICTURES.glob("*.jpg"):
        if old.stem not in step_names():
            old.unlink()


def page_text() -> str:
    """Return the page, made from the classes alone."""
    steps = [describe_step(name) for name in step_names()]
    parts = ["# The steps\n", _INTRODUCTION.format(count=len(steps))]
    for role, title in TITLES.items():
        names = [step["name"] for step in steps if step["role"] == role]
        if names:
            parts.append(f"**{title}** {', '.join(f'[{name}](#{name})' for name in names)}\n")
    parts.append("## What many steps have\n")
    parts += [f"{title}:\n\n{_table(_shared(base))}" for base, title in BASES.items()]
    for role, title in TITLES.items():
        of_role = [step for step in steps if step["role"] == role]
        parts += [f"## {title}\n"] if of_role else []
        parts += [_section(step) for step in of_role]
    return "\n".join(parts)


def _section(step: dict[str, Any]) -> str:
    name = step["name"]
    like = f"Like {step['peer']}." if step["peer"] else "No peer has it."
    modalities = [f"{words} {', '.join(step[key])}." for key, words in _MODALITIES.items() if step[key]]
    own = [one for one in step["parameters"] if not _is_shared(name, one)]
    return "\n".join(
        [
            f"### {name}\n",
            f"{step['description']}\n",
            f"{' '.join([like, *modalities])}\n",
            *([_table(own)] if own else []),
            f"```yml\n{step['example']}\n```\n",
            f"![{name}: the source and what it becomes](transforms/{name}.jpg)\n",
        ]
    )


_INTRODUCTION = """\
All {count} steps, made from the classes by `docs/make_transforms.py`, as `medaug transforms NAME` tells them. Pictures:
the source, then the step at four strengths, or four draws of it, on the [sample data](../sample_data/README.md), labels
outlined; many strengths are greater than the defaults, to be seen. Wherever a number stands, `[low, high]`,
`{{log_uniform: …}}`, `{{normal: …}}`, `{{choice: …}}` or `{{LR: …, AP: …, SI: …}}` may stand instead;
[conventions](conventions.md) says what all steps have in common.
"""
_MODALITIES = {"meant_for": "Only for", "refused_for": "Not for"}


def _table(parameters: list[dict[str, Any]]) -> str:
    rows = []
    for one in parameters:
        default = "needed" if one["required"] else f"`{json.dumps(one['default'], ensure_ascii=False)}`"
        allowed, told = (str(one[key]).replace("|", "\\|") for key in ("allowed", "help"))
        rows.append(f"| `{one['name']}` | {allowed} | {default} | {told} |\n")
    return "| parameter | allowed | default | |\n| --- | --- | --- | --- |\n" + "".join(rows)


@cache
def _described(name: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in describe_step(name)["parameters"]}


def _shared(base: type[Step]) -> list[dict[str, Any]]:
    """Return the parameters that `base` itself declares, as its subclasses describe them."""
    example = next(name for name in ("affine", "gamma") if issubclass(load_step(name), base))
    return [_described(example)[key] for key in base.__annotations__ if key in _described(example)]


def _is_shared(name: str, parameter: dict[str, Any]) -> bool:
    return any(issubclass(load_step(name), base) and parameter in _shared(base) for base in BASES)


def draw_strip(name: str) -> AnyArray:
    """Return the picture of a step: the source and its results side by side, with captions."""
    for sample, planes in _samples(name):
        try:
            made = [_apply(step, sample, number) for number, step in _variants(name)]
        except SampleError as error:
            print(f"  {name} on {sample.id}: {error}")
            continue
        painter = make_painter(sample, SIDE, planes)
        tiles = [(painter.paint(images_of(sample), labels_of(sample))[0], "source")]
        for copy, text in made:
            picture = painter.paint(copy.images, labels_of(copy))[0]
            if not any(np.array_equal(picture, other) for other, _ in tiles[1:]):  # nothing is drawn in some steps
                tiles.append((picture, text))
        return _beside(tiles)
    raise SystemExit(f"{name}: refuses all of the sample data; give it a sample in _samples")


def _apply(step: Step, sample: LoadedSample, number: int) -> tuple[Any, str]:
    scene = scene_of(sample, SEED, number, dtype="float32")
    program = draw_program((step,), scene)
    told = "; ".join(f"{name} {numbers}".strip() for name, numbers in describe_program(program))
    return apply_program(program, sample, scene), told.removeprefix(f"{step.step_name()} ")


def _variants(name: str) -> Iterator[tuple[int, Step]]:
    """Yield (copy number, step): one draw at four strengths, or four draws where nothing is a range."""
    step = load_step(name)
    if name in DRAWS:
        yield from ((number, step.model_validate(DRAWS[name])) for number in range(1, TILES + 1))
        return
    if name in SWEEPS and not issubclass(step, Policy):
        yield from ((1, step.model_validate(values)) for values in SWEEPS[name])
        return
    if issubclass(step, Policy):
        inner = (
            load_step("gamma").model_validate({"log_gamma": [-0.6, 0.6]}),
            load_step("gaussian_noise").model_validate({"sigma": [0.05, 0.15]}),
            load_step("blur").model_validate({"sigma_mm": [2, 4]}),
        )
        yield from ((number, step.model_validate({"steps": inner})) for number in range(1, TILES + 1))
        return
    usual = step.model_validate({key: field.examples[0] for key, field in step.model_fields.items() if field.examples})
    for key in step.model_fields:
        value = getattr(usual, key)
        span = value.every if isinstance(value, AxisSpan) else value
        if isinstance(span, Span) and span.kind in ("uniform", "log_uniform"):
            low, high = span.support()
            whole = all(number == int(number) for number in (low, high)) and high - low >= TILES - 1
            values = np.linspace(low, high, TILES + 1)[1:] if low == 0 else np.linspace(low, high, TILES)
            for number in values:
                yield 1, usual.model_copy(update={key: type(value).of(float(round(number) if whole else number))})
            return
    yield from ((number, usual) for number in range(1, TILES + 1))


def _samples(name: str) -> Iterator[tuple[LoadedSample, tuple[str, ...]]]:
    """Yield the sample that suits a step, and then the others, with the planes to show of each."""
    step = load_step(name)
    plane = ("sagittal",) if name in SAGITTAL else ("axial",)
    order = [_brain(), _abdomen(), _chest()]
    if step.needs_rgb:
        order.insert(0, _colours())
    for modality, sample in (("DX", _chest()), ("CT", _abdomen())):
        if modality in step.meant_for:
            order.insert(0, sample)
    yield from ((sample, ("", *plane) if sample.id != "abdomen" else ("", "axial")) for sample in order)


@cache
def _brain() -> LoadedSample:
    return _read("brain", "nifti", "brain-mr", ["sub-01_T1w.nii.gz"], ["sub-01_seg.nii.gz"], "MR")


@cache
def _abdomen() -> LoadedSample:
    files = [f"abdomen/{number:04d}.dcm" for number in range(10, 0, -1)]
    return _read("abdomen", "dicom", "ct", files, [], "CT")


@cache
def _chest() -> LoadedSample:
    return _read("chest", "dicom", "xray", ["chest_pa.dcm"], [], "DX")


@cache
def _colours() -> LoadedSample:
    """Return a colour image whose red, green and blue are three slices of the brain, 16 mm apart."""
    brain = _brain()
    loaded = next(iter(brain.images.values()))
    label = next(iter(brain.labels.values()))
    middle = loaded.content.array.shape[1] // 2
    slices = loaded.content.array[0, [middle - 8, middle, middle + 8]][:, None]
    grid = replace(loaded.content.geometry, size=(*loaded.content.geometry.size[:2], 1))
    marked = LabelMap(label.content.array[middle : middle + 1], grid)
    return LoadedSample(
        "colours",
        {"image": replace(loaded, content=Volume(slices.astype(np.float32), grid, rgb=True), modality="")},
        {"label": replace(label, content=marked)},
    )


def _read(name: str, kind: str, folder: str, images: list[str], labels: list[str], modality: str) -> LoadedSample:
    sources = [Source("image", "image", kind, tuple(images))]
    sources += [Source("label", "label", kind, (file,)) for file in labels]
    return load_sample(PROJECT / "sample_data" / folder, name, sources, {}, Limits(), modality)


def _beside(tiles: list[tuple[AnyArray, str]]) -> AnyArray:
    height, width = (max(picture.shape[axis] for picture, _ in tiles) for axis in (0, 1))
    texts = [wrap(text, width, 1)[:6] for _, text in tiles]
    rows = max(len(lines) for lines in texts)
    strip = np.full((height + 4 + rows * LINE, len(tiles) * (width + 4) - 4, 3), 255, dtype=np.uint8)
    for place, ((picture, _), lines) in enumerate(zip(tiles, texts, strict=True)):
        left = place * (width + 4)
        strip[: picture.shape[0], left : left + picture.shape[1]] = picture
        ink = letter(lines, width, 1) if lines else np.zeros((0, width), dtype=bool)
        strip[height + 4 : height + 4 + len(ink), left : left + width][ink[:, :width]] = 32
    return strip


if __name__ == "__main__":
    main()
