"""Plain NIfTI: folders of images and label maps, paired by templates or by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.discover.cases import stem, to_sample
from medaug_cli.discover.companions import Wanted, attach, segmentations
from medaug_cli.discover.inventory import Arrangement
from medaug_cli.discover.pairing import pair, parse_templates
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from medaug_cli.discover.inventory import DatasetQuery, LeftAlone
    from medaug_cli.discover.walk import Tree

DWI_MESSAGE = "diffusion gradients would have to turn with the image, which medaug does not do"


class NiftiLayout:
    """Cases are what their files' names say; `dataset.images` and `dataset.labels` say it plainly."""

    name = "nifti"
    format = "nifti"
    told_by_name = True
    plain = True

    def marker(self, tree: Tree) -> str:
        """Return nothing: a plain folder has no marker."""
        del tree
        return ""

    def arrange(self, tree: Tree, query: DatasetQuery) -> Arrangement:
        """Pair all NIfTI files of `tree`."""
        templates = parse_templates(query.images, query.labels)
        files, left_alone = leave_dwi(tree)
        found = load_format(self.format).find(tree.root, files)
        pairing = pair(found.volumes, templates)
        pairing = attach(pairing, tree, segmentations(query.labels), by_prefix=not query.images)
        pairing = attach(pairing, tree, Wanted("points", query.points, "points"), by_prefix=not query.images)
        return Arrangement(
            tuple(to_sample(case, self.name, query) for case in pairing.cases),
            (*left_alone, *found.left_alone, *pairing.left_alone),
            tuple(warning for volume in found.volumes for warning in volume.warnings),
        )


def leave_dwi(tree: Tree) -> tuple[tuple[str, ...], tuple[LeftAlone, ...]]:
    """Return the NIfTI files without the diffusion series, which a `.bvec` file beside them tells, and those."""
    gradients = {path.removesuffix(".bvec") for path in tree.files if path.endswith(".bvec")}
    claimed = tree.claimed_by("nifti")
    dwi = [path for path in claimed if gradients and stem(path) in gradients]
    left_alone = tuple((path, "dwi_not_supported", DWI_MESSAGE) for path in dwi)
    return tuple(path for path in claimed if path not in set(dwi)) if dwi else claimed, left_alone


LAYOUT = NiftiLayout()
