"""Translate: the translation of `affine` on its own."""

from __future__ import annotations

from typing import ClassVar

from medaug_cli.core.values import AxisSpan
from medaug_cli.step.affine import AffineStep, TranslationMm


class Translate(AffineStep):
    """Move the content along patient axes."""

    peer: ClassVar[str] = "torchio.RandomAffine, keras.RandomTranslation"

    translation_mm: TranslationMm = AxisSpan.of([-5, 5])
