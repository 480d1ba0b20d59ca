"""Make peers.json: the names of the peers' random spatial, intensity and mixing classes, from what is installed.

Run it with an interpreter that has monai, torchio and batchgeneratorsv2, and with the folder that holds the sources
of torchvision and keras: `python list_peers.py FOLDER`. Those two are only read, never imported.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

# What converts, moves, selects or measures, and what is an abstract base: no augmentation.
_NO_AUGMENTATION = {
    "monai": {"AddExtremePointsChannel", "IntensityRemap", "RandCoarseTransform", "RandomizableTransform"},
    "torchio": set(),
    "batchgeneratorsv2": {
        *("BasicTransform", "ImageOnlyTransform", "SegOnlyTransform", "LocalTransform", "BGContrast"),
        *("ColorFunctionExtractor", "MoveSegAsOneHotToDataTransform", "DownsampleSegForDSTransform"),
        *("MoveChannelsTransform", "MaskImageTransform", "Convert3DTo2DTransform", "Convert2DTo3DTransform"),
        *("RemoveLabelTransform", "RemoveLabelTansform", "ConvertSegmentationToRegionsTransform"),
        *("TimedComposeTransforms", "_TimingStats"),
    },
    "torchvision": {
        *("Transform", "ClampBoundingBoxes", "ClampKeyPoints", "ConvertBoundingBoxFormat", "SetClampingMode"),
        *("ConvertImageDtype", "Identity", "Lambda", "LinearTransformation", "SanitizeBoundingBoxes", "ToDtype"),
        *("SanitizeKeyPoints", "PILToTensor", "ToImage", "ToPILImage", "ToPureTensor", "RGB"),
    },
    "keras": {"BaseImagePreprocessingLayer", "MaxNumBoundingBoxes"},
}


def main(folder: Path) -> None:
    """Write peers.json beside this file."""
    found = {
        "monai": _monai(),
        "torchio": _torchio(),
        "batchgeneratorsv2": _batchgenerators(),
        "torchvision": _torchvision(folder / "torchvision" / "transforms" / "v2"),
        "keras": _keras(folder / "keras" / "src" / "layers" / "preprocessing" / "image_preprocessing"),
    }
    versions = {one.metadata["Name"]: one.version for one in distributions(path=[str(folder)])}
    peers = {
        name: {"version": versions.get(name) or version(name), "classes": sorted(classes - _NO_AUGMENTATION[name])}
        for name, classes in found.items()
    }
    text = json.dumps(peers, indent=1) + "\n"
    (Path(__file__).parent / "peers.json").write_text(text, encoding="utf-8")


def _monai() -> set[str]:
    transforms = importlib.import_module("monai.transforms")
    return {
        name
        for name, one in vars(transforms).items()
        if _is_class(one, transforms.Transform)
        and not one.__module__.endswith("dictionary")
        and (issubclass(one, transforms.Randomizable) or "regularization" in one.__module__)
        and "Dict" not in name
    }


def _torchio() -> set[str]:
    torchio = importlib.import_module("torchio")
    random = {name for name, one in vars(torchio).items() if _is_class(one, torchio.Transform) and "Random" in name}
    return random | {"OneOf", "Compose"}


def _batchgenerators() -> set[str]:
    root = importlib.import_module("batchgeneratorsv2.transforms")
    names: set[str] = set()
    for module in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
        try:
            loaded = importlib.import_module(module.name)
        except ImportError:  # a helper of nnU-Net that needs another package, no augmentation
            continue
        names |= {name for name, one in vars(loaded).items() if _is_class(one) and one.__module__ == module.name}
    # Its module cannot be imported without acvl_utils.
    return names | {"RemoveRandomConnectedComponentFromOneHotEncodingTransform"}


def _torchvision(folder: Path) -> set[str]:
    text = (folder / "__init__.py").read_text(encoding="utf-8").split("from ._transform")[1]
    text = text.split("from ._utils")[0].split("from ._temporal")[0] + text.split("_temporal")[1].split("\n", 1)[1]
    return set(re.findall(r"\b(?!ToTensor)[A-Z]\w+\b", text.split("from ._utils")[0]))


def _keras(folder: Path) -> set[str]:
    paths = [path for path in folder.glob("*.py") if not path.stem.endswith("_test")]
    return {
        name for path in paths for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def _is_class(one: Any, base: type = object) -> bool:
    return inspect.isclass(one) and issubclass(one, base)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
