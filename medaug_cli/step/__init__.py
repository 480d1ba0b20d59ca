"""Steps: what every entry of a recipe's `steps` has in common. One subclass a file in `transforms/`.

A step's fields are the YAML keys, the help text, the JSON Schema and, once drawn, the record: a drawn step is the
same class with every distribution replaced by a number, and validates back into a step.
"""

from medaug_cli.step.base import NEEDS_FRACTIONS, Probability, Step
from medaug_cli.step.intensity import Ascending, ColourStep, IntensityStep, is_narrow
from medaug_cli.step.label import LabelStep
from medaug_cli.step.line import Line, LineStep
from medaug_cli.step.policy import Policy, inner_steps, may_hold_steps, needs_steps
from medaug_cli.step.scene import Scene
from medaug_cli.step.spatial import Fill, GridStep, Resampling, ResamplingStep, SpatialStep, join_resampling

__all__ = [
    "NEEDS_FRACTIONS",
    "Ascending",
    "ColourStep",
    "Fill",
    "GridStep",
    "IntensityStep",
    "LabelStep",
    "Line",
    "LineStep",
    "Policy",
    "Probability",
    "Resampling",
    "ResamplingStep",
    "Scene",
    "SpatialStep",
    "Step",
    "inner_steps",
    "is_narrow",
    "join_resampling",
    "may_hold_steps",
    "needs_steps",
]
