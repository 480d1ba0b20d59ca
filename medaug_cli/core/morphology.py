"""Morphology of label maps: borders moved by a distance, connected components; no value appears that was not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaug_cli.core.jit import compiled, inner

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, BoolArray


def spread(labels: AnyArray, mask: BoolArray, steps: tuple[float, float, float], distance: float) -> AnyArray:
    """Return `labels` (z, y, x) in which voxels outside `mask` take the label of the nearest voxel inside it.

    Those farther than `distance` keep theirs. `steps` are the lengths of a voxel along x, y, z. Voxels equally near
    are taken in a fixed order.
    """
    result = labels.copy()
    offsets = _ball(steps, distance, labels.shape)
    if len(offsets):
        _spread(labels, mask, offsets, result, np.full(labels.shape, len(offsets), np.uint32))
    return result


def components(mask: BoolArray) -> tuple[AnyArray, int]:
    """Return `mask` (z, y, x) with its connected components numbered from 1, in the order of their first voxels.

    Voxels are connected that share a corner.
    """
    numbers = np.zeros(mask.shape, np.int32)
    return numbers, int(_number(mask, numbers))


def surroundings(labels: AnyArray, mask: BoolArray) -> AnyArray:
    """Return the label of each voxel beside a face of `mask`, as often as they touch."""
    found = []
    for axis in range(labels.ndim):
        ahead = tuple(slice(1, None) if n == axis else slice(None) for n in range(labels.ndim))
        behind = tuple(slice(None, -1) if n == axis else slice(None) for n in range(labels.ndim))
        found += [labels[ahead][mask[behind] & ~mask[ahead]], labels[behind][mask[ahead] & ~mask[behind]]]
    return np.concatenate(found)


def _ball(steps: tuple[float, float, float], distance: float, shape: tuple[int, ...]) -> AnyArray:
    """Return the offsets (n, 3) along z, y, x no longer than `distance`, nearest first, without the one of length 0."""
    reach = [min(int(distance / step + 1e-6), count - 1) for step, count in zip(reversed(steps), shape, strict=True)]
    grid = np.indices([2 * far + 1 for far in reach]).reshape(3, -1).T - reach
    squares = ((grid * np.array(steps)[::-1]) ** 2).sum(axis=1)
    near = (squares <= (distance * (1 + 1e-6)) ** 2) & (squares > 0)
    order = np.argsort(squares[near].round(9), kind="stable")
    return np.ascontiguousarray(grid[near][order])


@compiled
def _spread(labels: Any, mask: Any, offsets: Any, result: Any, ranks: Any) -> None:
    """Let each voxel at the border of `mask` offer its label to the voxels around; the nearest offer stands."""
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if not mask[z, y, x] or _is_inside(mask, z, y, x):
                    continue
                for n in range(len(offsets)):
                    k, j, i = z + offsets[n, 0], y + offsets[n, 1], x + offsets[n, 2]
                    if k < 0 or j < 0 or i < 0 or k >= depth or j >= height or i >= width:
                        continue
                    if not mask[k, j, i] and ranks[k, j, i] > n:
                        ranks[k, j, i] = n
                        result[k, j, i] = labels[z, y, x]


@inner
def _is_inside(mask: Any, z: int, y: int, x: int) -> bool:
    """Say whether all six neighbours that the grid has lie in `mask`; only others are nearest to a voxel outside."""
    depth, height, width = mask.shape
    if (z > 0 and not mask[z - 1, y, x]) or (z < depth - 1 and not mask[z + 1, y, x]):
        return False
    if (y > 0 and not mask[z, y - 1, x]) or (y < height - 1 and not mask[z, y + 1, x]):
        return False
    return not ((x > 0 and not mask[z, y, x - 1]) or (x < width - 1 and not mask[z, y, x + 1]))


@compiled
def _number(mask: Any, numbers: Any) -> int:
    """Fill `numbers` by union and find over the neighbours already seen."""
    depth, height, width = mask.shape
    parents = np.zeros(1 + np.sum(mask), np.int32)
    count = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if not mask[z, y, x]:
                    continue
                root = 0
                for n in range(13):
                    k, j, i = z + n // 9 - 1, y + n // 3 % 3 - 1, x + n % 3 - 1
                    if k < 0 or j < 0 or i < 0 or j >= height or i >= width or numbers[k, j, i] == 0:
                        continue
                    other = _root(parents, numbers[k, j, i])
                    if root == 0 or root == other:  # noqa: PLR1714  numba knows no tuple of both types
                        root = other
                    else:  # the smaller number is the earlier component's
                        parents[max(root, other)] = min(root, other)
                        root = min(root, other)
                if root == 0:
                    count += 1
                    parents[count] = count
                    root = count
                numbers[z, y, x] = root
    return _renumber(numbers, parents, count)


@inner
def _root(parents: Any, number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


@inner
def _renumber(numbers: Any, parents: Any, count: int) -> int:
    final = np.zeros(count + 1, np.int32)
    found = 0
    for number in range(1, count + 1):
        if parents[number] == number:
            found += 1
            final[number] = found
    flat = numbers.reshape(-1)
    for n in range(len(flat)):
        if flat[n]:
            flat[n] = final[_root(parents, flat[n])]
    return found
