"""Commands that pages start: what they tell, how they end, whom they belong to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from conch.core.text import speaking
from conch.runs.process import identify
from conch.webui import jobs


def ended(job: jobs.Job) -> None:
    end = time.monotonic() + 60
    while job.is_alive():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_tells_what_the_command_tells(home: Path) -> None:
    job = jobs.start("try", ["version"], {"what": "versions"})
    ended(job)
    assert job.state() == "done", job.lines()
    assert "version" in job.told()
    (read,) = jobs.jobs("try")
    assert (read.id, read.words, read.about) == (job.id, ("version",), {"what": "versions"})
    assert read.command == "conch version"
    jobs.forget(read)
    assert jobs.jobs("try") == []


def test_a_failure_is_told_in_the_language_of_whoever_started_it() -> None:
    with speaking("zh"):
        job = jobs.start("try", ["runs", "show", "no-such-run"])
    ended(job)
    assert job.state() == "failed"
    message, hint = job.problem()
    assert "no-such-run" in message
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message + hint)


def test_a_secret_goes_by_the_environment_only(home: Path) -> None:
    job = jobs.start("try", ["version"], hidden={"CONCH_API_KEY": "quite-secret"})
    ended(job)
    written = [path.read_text(encoding="utf-8") for path in home.rglob("*") if path.is_file()]
    assert not any("quite-secret" in text for text in written)


def test_stopping_ends_what_the_command_started(home: Path, tmp_path: Path) -> None:
    """A command that does not heed the signal, and its child in a session of its own."""
    job = stubborn(tmp_path)
    children = tmp_path / "child"
    end = time.monotonic() + 30
    while not children.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    child = identify(int(children.read_text(encoding="utf-8")))
    job.end(grace=0.2)
    ended(job)
    while child.is_alive():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert job.state() == "stopped"


def test_what_belongs_to_a_studio_that_is_gone_is_ended(home: Path, tmp_path: Path) -> None:
    job = stubborn(tmp_path)
    jobs.end_orphans("try")
    assert job.is_alive(), "it belongs to nobody"
    record = job.folder / "job.json"
    kept = json.loads(record.read_text(encoding="utf-8"))
    for owner, alive in ((identify(os.getpid()), True), (replace(identify(os.getpid()), ticks=1), False)):
        record.write_text(json.dumps({**kept, "owner": owner.to_dict()}), encoding="utf-8")
        jobs.end_orphans("try")
        assert job.was_stopped is not alive
    job.end(grace=0.1)
    ended(job)


STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""


def stubborn(place: Path) -> jobs.Job:
    """A job whose process is another program than ours."""
    started: dict[str, Any] = {}
    real = subprocess.Popen

    def other(_: Any, **how: Any) -> Any:
        started["process"] = real([sys.executable, "-c", STUBBORN, str(place / "child")], **how)
        return started["process"]

    subprocess.Popen, kept = other, subprocess.Popen  # type: ignore[misc,assignment]
    try:
        return jobs.start("try", ["sleep"])
    finally:
        subprocess.Popen = kept  # type: ignore[misc]
