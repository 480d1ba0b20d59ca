"""Programs: the drawn steps of one copy, and the one pure function that applies them to a sample.

Replay, the run, a redraw and a preview all go through `apply_program`; it never changes the sample it is given.
"""

from medaug_cli.program.applying import apply_program
from medaug_cli.program.copy import Copy, Drawn, Program
from medaug_cli.program.drawing import draw_program, may_change_grid, predict_grid, scene_of
from medaug_cli.program.moving import fill_value, turn_of

__all__ = [
    "Copy",
    "Drawn",
    "Program",
    "apply_program",
    "draw_program",
    "fill_value",
    "may_change_grid",
    "predict_grid",
    "scene_of",
    "turn_of",
]
