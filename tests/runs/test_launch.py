"""A worker is a process of its own: it outlives whoever started it, and its words end in the log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from conch.config import load_train
from conch.core.events import Failed, Started
from conch.runs import Run, create, launch, read_events
from conch.runs.run import ENDED
from tests.runs.helpers import wait_for

PYTHON = sys.executable
FAKE = f"""#!{PYTHON}
import json, os, sys, time
facts = dict(
    argv=sys.argv[1:], pid=os.getpid(), session=os.getsid(0), stdin=sys.stdin.read(),
    token=os.environ.get("HF_TOKEN"), buffered=os.environ.get("PYTHONUNBUFFERED"),
)
print(json.dumps(facts), flush=True)
print("a word of warning", file=sys.stderr, flush=True)
gate = os.environ.get("FAKE_GATE")
end = time.time() + 600
while gate and not os.path.exists(gate) and time.time() < end:
    time.sleep(0.01)
print("done", flush=True)
"""


@pytest.fixture
def run() -> Run:
    return create(load_train(values={"model_name_or_path": "./nowhere", "dataset": "magic_conch"}).config)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for Python, and so for the worker."""
    program = tmp_path / "python"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setattr(launch.sys, "executable", str(program))
    return program


def log(run: Run) -> str:
    return run.log_path.read_text() if run.log_path.is_file() else ""


@pytest.mark.usefixtures("fake")
def test_the_worker_has_its_own_session_and_its_words_are_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    pid = launch.launch(run, "--resume", "checkpoint-5")
    wait_for(lambda: "done" in log(run))
    facts = json.loads(log(run).splitlines()[0])
    assert facts["argv"] == ["-m", "conch.worker", str(run.folder), "--resume", "checkpoint-5"]
    assert facts["pid"] == facts["session"] == pid
    assert facts["stdin"] == "", "nobody's keyboard is read"
    assert facts["buffered"] == "1"
    assert facts["token"] is None
    assert "a word of warning" in log(run)


@pytest.mark.usefixtures("fake")
def test_a_token_goes_by_the_environment_only(run: Run) -> None:
    launch.launch(run, secrets={"HF_TOKEN": "hf_DoNotShow"})
    wait_for(lambda: "done" in log(run))
    facts = json.loads(log(run).splitlines()[0])
    assert facts["token"] == "hf_DoNotShow"
    assert "hf_DoNotShow" not in " ".join(facts["argv"])
    assert "hf_DoNotShow" not in os.environ.values()


@pytest.mark.usefixtures("fake")
def test_the_log_is_appended_to(run: Run) -> None:
    run.log_path.write_text("an earlier attempt\n")
    launch.launch(run)
    wait_for(lambda: "done" in log(run))
    assert log(run).startswith("an earlier attempt\n")


@pytest.mark.usefixtures("fake")
def test_the_run_is_claimed_at_once_and_lost_when_the_worker_dies(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GATE", str(tmp_path / "never"))
    pid = launch.launch(run)
    worker = run.worker()
    assert worker is not None
    assert worker.pid == pid
    assert run.state() == "queued", "it has not said anything"
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: run.state() == "lost")


def test_the_worker_survives_whoever_started_it(run: Run, fake: Path, tmp_path: Path) -> None:
    """Its group is hung up and killed, as when a terminal closes."""
    gate = tmp_path / "gate"
    code = (
        "import sys, time; from pathlib import Path; from conch.runs import Run, launch;"
        f"launch.sys.executable = {str(fake)!r};"
        f"print(launch.launch(Run(Path({str(run.folder)!r}))), flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen(
        [PYTHON, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "FAKE_GATE": str(gate)},
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    os.killpg(starter.pid, signal.SIGHUP)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert psutil.pid_exists(pid)
    assert "done" not in log(run)
    gate.touch()
    wait_for(lambda: "done" in log(run))


def test_a_real_worker_that_fails_says_why(run: Run) -> None:
    """Some seconds: the worker imports torch."""
    launch.launch(run)
    wait_for(lambda: run.state() in ENDED)
    assert run.state() == "failed"
    events = read_events(run.events_path)
    assert [event for event in events if isinstance(event, Started)]
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.error == "ModelError"
    assert "nowhere" in failed.message
    assert failed.hint
    assert run.summary()["error"]["kind"] == "ModelError"
    assert "Traceback" not in log(run)
