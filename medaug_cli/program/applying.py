"""Applying: the one pure function that makes a copy of a sample; it never changes the sample it is given."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.marks import Contours, Move
from medaug_cli.program.copy import Copy
from medaug_cli.program.intensities import change_intensities
from medaug_cli.program.moving import move, settings_of
from medaug_cli.spatial.marks import move_marks
from medaug_cli.step import IntensityStep, LabelStep, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.sample import LoadedSample
    from medaug_cli.program.copy import Drawn, Program
    from medaug_cli.spatial.resample import Resampler
    from medaug_cli.step import Scene


def apply_program(program: Program, sample: LoadedSample, scene: Scene) -> Copy:
    """Return a copy of `sample` to which the drawn steps have been applied."""
    copy = Copy(
        {channel: loaded.volume for channel, loaded in sample.images.items()},
        {name: loaded.label for name, loaded in sample.labels.items()},
    )
    applied = [drawn for drawn in program if drawn.step is not None and not isinstance(drawn.step, Policy)]
    own, chains = False, list(_chains(applied))
    last = max((n for n, chain in enumerate(chains) if not isinstance(chain[0].step, LabelStep)), default=None)
    for number, chain in enumerate(chains):
        if isinstance(chain[0].step, IntensityStep):
            copy = replace(copy, images=change_intensities(chain, copy, scene, own=own))
        elif isinstance(chain[0].step, LabelStep):
            for drawn in chain:
                copy = replace(copy, labels=_change_labels(drawn, copy, scene))
        else:
            copy = move(chain, copy, scene, sample.label_names, whole=scene.whole_numbers and number == last)
        own = own or not isinstance(chain[0].step, LabelStep)
    return replace(copy, marks=_move_marks(sample, copy, scene.resampler))


def _move_marks(sample: LoadedSample, copy: Copy, resampler: Resampler) -> dict[str, Marks]:
    """Return the sample's marks where the copy's whole mapping, from its first step to its last, shows them."""
    moved: dict[str, Marks] = {}
    for name, loaded in sample.marks.items():
        own = loaded.marked.image if isinstance(loaded.marked, Contours) else ""
        image = own or next(iter(sample.images))
        before, after = sample.images[image].volume.geometry, copy.images[image].geometry
        regular = not sample.images[image].irregular
        move = Move(before, after, copy.swaps, resampler, sample.rules, regular)
        moved[name] = move_marks(loaded.marked, copy.mapping, move)
    return moved


def _chains(applied: Sequence[Drawn]) -> Iterator[list[Drawn]]:
    """Yield neighbours that belong together: intensity or label steps, or spatial steps that one resampling can do."""
    chain: list[Drawn] = []
    for drawn in applied:
        if chain and not _joins(chain, drawn):
            yield chain
            chain = []
        chain.append(drawn)
    if chain:
        yield chain


def _joins(chain: Sequence[Drawn], drawn: Drawn) -> bool:
    for kind in (IntensityStep, LabelStep):
        if isinstance(drawn.step, kind) or isinstance(chain[0].step, kind):
            return isinstance(drawn.step, kind) and isinstance(chain[0].step, kind)
    return settings_of([*chain, drawn]) is not None


def _change_labels(drawn: Drawn, copy: Copy, scene: Scene) -> dict[str, Labels]:
    """Return all labels after one label step; each map, and each part of a stack, has generators of its own.

    To the step every part of a stack is a label map that holds the number of its component, from 1 on, as `counts` has
    it. Soft labels are no labels of voxels and stay as they are.
    """
    if not isinstance(drawn.step, LabelStep):
        raise TypeError(drawn.name)
    changed: dict[str, Labels] = {}
    for name, label in copy.labels.items():
        here = replace(scene.at(drawn.path).at(name), geometry=label.geometry)
        if isinstance(label, LabelMap):
            names: Mapping[int, str] = {**label.names, **scene.label_values}
            changed[name] = replace(label, array=drawn.step.apply(label.array, replace(here, label_values=names)))
        elif not label.soft:
            names = dict(enumerate(label.names, start=1)) or scene.label_values
            scenes = (replace(here.at(str(number)), label_values=names) for number in itertools.count())
            # One part after another, since numbers take more room than the yes and no of a component.
            changed[name] = label.with_numbered_parts(map(drawn.step.apply, label.numbered_parts(), scenes))
        else:
            changed[name] = label
    return changed
