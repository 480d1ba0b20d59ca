"""COCO-like JSON: boxes of pictures, in pixels, in one file for all images or one for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes
from medaug_cli.formats.points.json_text import dump_json
from medaug_cli.formats.points.numbers import in_numbers, to_number
from medaug_cli.formats.points.spaces import from_memory, to_memory

if TYPE_CHECKING:
    from medaug_cli.core.marks import Points
    from medaug_cli.formats.points.kinds import CopiedImage

_SPACE = "extent"  # x, y of the upper left corner, width, height; 0 at the outer corner of the first pixel
_FLAT = ("segmentation", "keypoints", "num_keypoints")
_DECIMALS = 4
_UNMOVED = 1e-6


@dataclass(frozen=True)
class Wanted:
    """The sample's first image, by its path, and whether the file is `shared` with other samples."""

    image: str
    shared: bool = False


@dataclass(frozen=True, eq=False)
class Pictures:
    """A file as read: the entry of the sample's image, and the numbers of its annotations in the file."""

    raw: bytes
    document: dict[str, Any]
    image: dict[str, Any]
    annotations: tuple[int, ...]
    content: Boxes

    def write(self, content: Points | Boxes, image: CopiedImage) -> str:
        """Return a file of the copy alone: its own image entry, and the boxes that are left.

        The file's other outlines (segmentation, keypoints) do not move with it and are left out once anything has.
        """
        numbers = from_memory(content, _SPACE).tolist()
        categories = {str(one.get("name", "")): one.get("id") for one in self.document.get("categories", [])}
        annotations = []
        for place, row in enumerate(content.rows):
            old = self.document["annotations"][self.annotations[row]]
            new = _moved(old, numbers[place]) if image.moved else dict(old)
            if content.names[place] != self.content.names[row]:
                new["category_id"] = categories.get(content.names[place], old.get("category_id"))
            annotations.append(new)
        x, y, _ = image.geometry.size
        told = str(self.image["file_name"])
        name = "/".join(image.path.split("/")[-1 - told.count("/") :])
        entry = {**self.image, "file_name": name, "width": x, "height": y}
        return dump_json({**self.document, "images": [entry], "annotations": annotations}, self.raw)


def read_pictures(name: str, document: dict[str, Any], raw: bytes, wanted: Wanted) -> Pictures:
    """Return the boxes of the sample's image: of the entry with its file name, or of the only entry there is.

    Raises SampleError `bad_points`, or `missing_points` where no entry is the image's.
    """
    images, annotations = (_objects(name, document, key) for key in ("images", "annotations"))
    image = _find_image(name, images, wanted)
    names = {one.get("id"): str(one.get("name", "")) for one in _objects(name, document, "categories")}
    own = tuple(number for number, one in enumerate(annotations) if one.get("image_id") == image.get("id"))
    numbers = [_box(f"{name}: annotations[{number}].bbox", annotations[number].get("bbox")) for number in own]
    called = tuple(names.get(annotations[number].get("category_id"), "") for number in own)
    content = to_memory(np.array(numbers, np.float64).reshape(-1, 4), _SPACE, called, boxes=True)
    if not isinstance(content, Boxes):
        raise TypeError(type(content).__name__)
    parsed = list(annotations)
    for number in own:
        parsed[number] = {**annotations[number], "bbox": in_numbers(annotations[number]["bbox"])}
    return Pictures(raw, {**document, "annotations": parsed}, image, own, content)


def _objects(name: str, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SampleError("bad_points", f"{name}: {key} must be a list of objects")
    if any(isinstance(one.get(field), list | dict) for one in found for field in ("id", "image_id", "category_id")):
        raise SampleError("bad_points", f"{name}: {key}: an id must be a number or a text")
    return found


def _find_image(name: str, images: list[dict[str, Any]], wanted: Wanted) -> dict[str, Any]:
    """Return the entry whose file name the image's path ends with."""
    path = f"/{wanted.image}"
    found = [one for one in images if isinstance(one.get("file_name"), str) and path.endswith(f"/{one['file_name']}")]
    if not found and len(images) == 1 and not wanted.shared and isinstance(images[0].get("file_name"), str):
        found = images
    if len(found) != 1:
        raise SampleError(
            "missing_points", f"{name}: {len(found)} of its {len(images)} images have the file name of this sample's"
        )
    return found[0]


def _box(place: str, values: object) -> list[float]:
    if not isinstance(values, list) or len(values) != 4:  # noqa: PLR2004  as COCO has it
        raise SampleError("bad_points", f"{place}: four numbers are allowed: x, y, width, height")
    box = [to_number(one, f"{place}[{index}]") for index, one in enumerate(values)]
    if min(box[2:]) < 0:
        raise SampleError("bad_points", f"{place}: width and height must not be negative")
    return box


def _moved(annotation: dict[str, Any], box: list[float]) -> dict[str, Any]:
    """Return an annotation with its new box and area."""
    new = {key: value for key, value in annotation.items() if key not in _FLAT}
    if all(abs(now - before) < _UNMOVED for now, before in zip(box, annotation["bbox"], strict=True)):
        return new
    new["bbox"] = [round(value, _DECIMALS) + 0.0 for value in box]
    if "area" in annotation:
        new["area"] = round(box[2] * box[3], _DECIMALS)
    return new
