"""What the fixtures of the NIfTI tests are, in short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from medaug_cli.core.encoded import EncodedFile
from medaug_cli.core.sample import Loaded

Save: TypeAlias = Callable[..., Path]
Read: TypeAlias = Callable[..., Loaded]
Encode: TypeAlias = Callable[..., tuple[EncodedFile, ...]]
