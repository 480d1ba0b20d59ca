"""Events: what a run tells while it goes on, the same for people, for `--json` and for log files."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """One line of `--json`: what happened, with the counts so far. No identifier of a patient is ever in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["medaug.event/1"] = Field(default="medaug.event/1", alias="schema")
    event: Literal["started", "copy", "warning", "finished"]
    message: str = ""
    total: int = Field(default=0, description="Copies to make in this run.")
    done: int = Field(default=0, description="Copies made so far.")
    failed: int = Field(default=0, description="Copies that failed so far.")
    kept: int = Field(default=0, description="Copies that were valid already.")
    sample_id: str = ""
    copy_: int = Field(default=0, alias="copy")
    status: str = ""
    reason: str = ""
    exit_code: int | None = Field(default=None, description="Only in the last event.")

    def line(self) -> str:
        """Return the event as one line of JSON, keys sorted, in ASCII: it goes through terminals of any locale."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True)
