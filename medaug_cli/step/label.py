"""Steps that change label maps and never see an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medaug_cli.step.base import Step

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.step.scene import Scene


class LabelStep(Step):
    """A step that changes label maps and never sees an image."""

    code: ClassVar[tuple[str, str, str]] = ("LABEL", "99MEDAUG", "Change of segmentation")

    def apply(self, labels: AnyArray, scene: Scene) -> AnyArray:
        """Return label map `labels` (z, y, x) changed, of the same type and without a new value; never in place."""
        raise NotImplementedError
