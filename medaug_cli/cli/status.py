"""`medaug status`: how a run stands."""

from __future__ import annotations

import json
from collections import Counter

import typer

from medaug_cli.cli import options as o
from medaug_cli.cli.say import say
from medaug_cli.core.errors import ExitCode, RootError


def status(root: o.RootPath, as_json: o.AsJson = False) -> None:
    """Say how the run of ROOT stands: copies made and failed, the last run, and whether one goes on now.

    Exit codes: 0 finished, or running, and nothing failed; 3 copies failed; 8 not finished and not running: run again.
    """
    from medaug_cli.holding import is_held
    from medaug_cli.root import STATE_FOLDER, read_root

    holder = is_held(root)
    if not holder and not (root / STATE_FOLDER / "root.json").exists():
        raise RootError(f"{root}: medaug has not written here; name the folder of a run")
    state_of_root = read_root(root)
    standings = state_of_root.standings.values()
    counts = Counter(standing.status for standing in standings)
    reasons = Counter(standing.reason for standing in standings if standing.status != "ok")
    runs = sorted((root / STATE_FOLDER / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    last = json.loads(runs[-1].read_text(encoding="utf-8")) if runs else {}
    # A killed run leaves no record of itself, but what it set out to write.
    finished = bool(last.get("finished")) and not state_of_root.begun
    failed = counts["failed"] + counts["rejected"]
    if as_json:
        document = {"ok": counts["ok"], "failed": failed, "reasons": reasons, "running": holder, "last_run": last}
        state = "running" if holder else "finished" if finished else "unfinished"
        typer.echo(json.dumps({**document, "finished": finished, "state": state}, sort_keys=True))
    else:
        state = f"running ({holder})" if holder else "finished" if finished else "not finished, run again"
        for reason, count in sorted(reasons.items()):
            say(f"{reason}: {count} copies")
        say(f"{state}: {counts['ok']} copies valid, {failed} failed")
    if not finished and not holder:
        raise typer.Exit(int(ExitCode.OUT_OF_TIME))
    raise typer.Exit(int(ExitCode.SOME_FAILED if failed else ExitCode.OK))
