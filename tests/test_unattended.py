"""The examples of docs/unattended.md do what they say, in the environment that they are meant for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets_for_runs import run_here, save_dataset, save_image, save_recipe

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "unattended.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in `language`."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Return a folder that stands for /: /srv with a recipe and images, /opt/medaug/bin/medaug, /usr/local/bin."""
    save_dataset(tmp_path / "srv" / "images", cases=2)
    save_recipe(tmp_path / "srv" / "medaug" / "recipe.yaml")
    program = tmp_path / "opt" / "medaug" / "bin" / "medaug"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m medaug_cli "$@"\n')
    program.chmod(0o755)
    (tmp_path / "usr" / "local" / "bin").mkdir(parents=True)
    return tmp_path


def place(text: str, server: Path) -> str:
    """Return `text` with the paths of the page below `server`."""
    return re.sub(r"(?<![\w/])/(srv|opt|usr/local)(?=/)", rf"{server}/\1", text)


def install(name: str, server: Path) -> Path:
    """Put the script of the page that calls itself /usr/local/bin/`name` there; return its path."""
    (script,) = (text for text in blocks("sh") if f"# /usr/local/bin/{name}\n" in text)
    path = server / "usr" / "local" / "bin" / name
    path.write_text(place(script, server))
    path.chmod(0o755)
    return path


def run_as_cron(server: Path) -> subprocess.CompletedProcess[str]:
    """Run the line of the crontab as cron(8) does: sh -c, the crontab's own PATH, and nearly no environment."""
    install("medaug-nightly", server)
    (table,) = blocks("cron")
    settings = dict(line.split("=", 1) for line in table.splitlines() if re.match(r"[A-Z]+=", line))
    (line,) = (line for line in table.splitlines() if re.match(r"[0-9*]", line))
    command = line.split(None, 5)[5]
    environment = {
        "HOME": str(server),
        "LOGNAME": "medaug",
        "SHELL": "/bin/sh",
        "PATH": place(settings["PATH"], server),
    }
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("\\%", "%")],
        env=environment,
        cwd=server,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_cron_line_is_silent_when_all_is_well_and_tells_what_is_not(server: Path) -> None:
    done = run_as_cron(server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list((server / "srv" / "augmented").glob("case*_aug*.nii.gz"))) == 2 * 2 * 2
    save_image(server / "srv" / "images" / "case03.nii.gz")
    bad = server / "srv" / "images" / "case03.nii.gz"
    bad.write_bytes(bad.read_bytes()[:-9])
    done = run_as_cron(server)
    assert done.returncode == 10  # one sample of three is more than 5 %
    assert "truncated: case03.nii.gz" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("medaug: exit 10")


def test_the_check_tells_a_monitor_how_the_run_stands(server: Path) -> None:
    check = install("medaug-check", server)

    def told() -> tuple[int, str]:
        done = subprocess.run([check], env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
        (line,) = done.stdout.splitlines()
        return done.returncode, line

    code, line = told()
    assert (code, line.startswith("MEDAUG CRITICAL - medaug: ")) == (2, True)  # there is no ROOT yet
    recipe, images, root = (server / "srv" / name for name in ("medaug/recipe.yaml", "images", "augmented"))
    run_here(recipe, images, root)
    assert told() == (0, "MEDAUG OK - finished: 4 copies valid, 0 failed")
    (images / "case01.nii.gz").write_bytes((images / "case01.nii.gz").read_bytes()[:-9])
    run_here(recipe, images, root)
    assert told() == (1, "MEDAUG WARNING - finished: 2 copies valid, 2 failed")


def test_the_units_are_sound_and_their_command_runs(server: Path) -> None:
    service, timer = blocks("ini")
    (command,) = re.findall(r"^ExecStart=(.*)$", place(service, server), flags=re.MULTILINE)
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=server / "srv" / "medaug", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed; the command ran, the units were not verified")
    for name, text in (("service", service), ("timer", timer)):
        (server / f"medaug.{name}").write_text(place(text, server))
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            "--recursive-errors=no",
            server / "medaug.service",
            server / "medaug.timer",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if "medaug" in line]
    assert (done.returncode, told) == (0, [])


def github_commands() -> list[str]:
    job: Any = yaml.safe_load(blocks("yml")[0])
    return [step["run"] for step in job["jobs"]["augment"]["steps"] if "run" in step]


def gitlab_commands() -> list[str]:
    job: Any = yaml.safe_load(blocks("yml")[1])["augment"]
    return [*job["before_script"], *job["script"]]


@pytest.mark.parametrize("commands", [github_commands, gitlab_commands])
def test_the_commands_of_a_ci_job_run_one_after_another(server: Path, commands: Any) -> None:
    first, *rest = commands()
    assert first == "pip install ./medaug"
    path = f"{server / 'opt' / 'medaug' / 'bin'}:{os.defpath}"
    workspace = server / "workspace"
    shutil.copytree(server / "srv" / "images", workspace / "images")
    shutil.copy(server / "srv" / "medaug" / "recipe.yaml", workspace)
    for command in rest:
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=workspace,
            env={"PATH": path, "HOME": str(server), "CI": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
    assert (workspace / "augmented" / "SHA256SUMS").exists()
