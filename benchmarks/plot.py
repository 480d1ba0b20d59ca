"""Plot: seconds a copy of every tool, for the three recipes. Arguments: results.json and the picture's path."""

# ruff: noqa: RUF001  a multiplication sign is one

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
import workload as w
from bench import FLOOR, MEDAUG, PEERS
from fit import median
from matplotlib import pyplot as plt
from targets import NAMES

_COLOURS = {MEDAUG: "#c8102e", "torchio": "#6b7a8f", "monai": "#8fa3b8", "batchgenerators": "#b9c6d3"}
_LEAST_S = 0.05
_TOOLS = (MEDAUG, *PEERS)


def main() -> None:
    """Draw the picture."""
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    mpl.use("Agg")
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for place, recipe in enumerate(w.RECIPES):
        taken = {tool: median(one["seconds"]) for tool, one in results["peers"]["recipes"][recipe].items()}
        for number, tool in enumerate(_TOOLS):
            at = place + (number - 1.5) * 0.2
            bar = axes.barh(at, taken[tool], 0.18, color=_COLOURS[tool], label=None if place else NAMES[tool])
            ratio = "" if tool == MEDAUG else f"  {taken[tool] / taken[MEDAUG]:.0f}×"
            axes.bar_label(bar, [f" {taken[tool]:.2g} s{ratio}"], fontsize=8)
        floor = taken[FLOOR]
        ends = [place - 0.4, place + 0.4]
        axes.plot([floor, floor], ends, "k:", label=None if place else "decode, touch once, encode")
    axes.set_xscale("log")
    slowest = max(median(one["seconds"]) for one in results["peers"]["recipes"][w.ELASTIC].values())
    axes.set_xlim(_LEAST_S, 2.5 * slowest)  # room for what stands beside its bar
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("seconds for one augmented copy, one thread (log)")
    axes.set_yticks(range(len(w.RECIPES)), [w.TITLES[recipe].replace(", ", ",\n", 1) for recipe in w.RECIPES])
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(_TOOLS) + 1, frameon=False, fontsize=8)
    x, y, z = w.BRAIN_SIZE
    axes.set_title(f"{x}×{y}×{z} brain MR with labels, .nii.gz in and out ({results['cpu']})", fontsize=9)
    figure.savefig(sys.argv[2], dpi=150)


if __name__ == "__main__":
    main()
