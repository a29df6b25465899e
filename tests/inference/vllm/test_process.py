"""vLLM's process: started with the right words, told of when it fails, started anew, and ended with us.

The program is a stand-in (`tests/vllm_server.py`), put where vLLM's environment has its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from conch.core.errors import ServeError
from conch.inference.engine import Request, Sampling
from conch.inference.engines.vllm import VllmEngine
from conch.inference.vllm import environment, process
from conch.inference.vllm.process import MODEL, VllmProcess, VllmSettings, rank_for
from tests.server.test_service import wait_until
from tests.vllm_server import ROOT, install

ASKED = Request((5, 17, 230), frozenset(), Sampling(max_new_tokens=8))


@pytest.fixture
def installed(home: Path) -> Path:
    install(environment.program())
    return environment.program()


@pytest.fixture
def settings(installed: Path, tiny_folder: Path) -> VllmSettings:
    return VllmSettings(tiny_folder, tiny_folder)


def vllm_pids(child: process._Child) -> list[int]:
    """The processes of one start: the guard, and vLLM."""
    guard = psutil.Process(child._guard.pid)
    return [guard.pid, *(each.pid for each in guard.children(recursive=True))]


def test_it_starts_answers_crashes_comes_back_with_its_adapters_and_ends(
    settings: VllmSettings, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BACK_OFF_SECONDS", 0.1)
    told: list[str] = []
    server = VllmProcess(replace(settings, rank=8), told.append)
    engine = VllmEngine(server, MODEL)
    engine.load_adapter("shop", adapter)
    plain = engine.complete([ASKED])
    tuned = engine.complete([Request(ASKED.prompt, ASKED.stop_ids, ASKED.sampling, "shop")])
    assert plain != tuned
    first = vllm_pids(server._child)
    assert len(first) == 2
    assert httpx.get(f"{server.url}/v1/models").status_code == 401, "others on this machine can't ask it"

    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{server.url}/fake/die")
    wait_until(lambda: not psutil.pid_exists(first[0]), 20)
    wait_until(lambda: "vLLM is back." in told, 60)
    assert any("illegal memory access" in line for line in told)
    assert engine.complete([ASKED]) == plain
    assert engine.complete([Request(ASKED.prompt, ASKED.stop_ids, ASKED.sampling, "shop")]) == tuned

    last = vllm_pids(server._child)
    engine.close()
    assert not [pid for pid in last if psutil.pid_exists(pid)]
    with pytest.raises(ServeError, match="about to end"):
        _ = server.url


def test_an_adapter_that_is_gone_when_it_comes_back_is_told_and_costs_no_other(
    settings: VllmSettings, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BACK_OFF_SECONDS", 0.1)
    told: list[str] = []
    server = VllmProcess(replace(settings, rank=8, adapters=2), told.append)
    engine = VllmEngine(server, MODEL)
    lost = Path(shutil.copytree(adapter, tmp_path / "lost"))
    for name, folder in (("lost", lost), ("shop", adapter)):
        engine.load_adapter(name, folder)
    asked = replace(ASKED, adapter="shop")
    tuned = engine.complete([asked])
    shutil.rmtree(lost)
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{server.url}/fake/die")
    wait_until(lambda: "vLLM is back." in told, 60)
    assert any("'lost'" in line for line in told), told
    assert engine.complete([asked]) == tuned
    engine.unload_adapter("lost")
    with pytest.raises(ServeError) as caught:
        engine.complete([replace(ASKED, adapter="lost")])
    assert caught.value.key == "serving.adapter_gone"
    engine.close()


def test_one_that_dies_while_it_starts_tells_its_last_lines(settings: VllmSettings) -> None:
    with pytest.raises(ServeError) as caught:
        VllmProcess(
            VllmSettings(settings.model, settings.tokenizer, extra=("--die-at-once", "CUDA out of memory")),
            str,
        )
    assert "CUDA out of memory" in caught.value.message
    assert "exit status 3" in caught.value.message
    assert "logs" in caught.value.hint


def test_it_is_given_up_after_so_many_crashes(
    settings: VllmSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BACK_OFF_SECONDS", 0.01)
    monkeypatch.setattr(process, "RESTARTS", 2)
    told: list[str] = []
    server = VllmProcess(settings, told.append)
    engine = VllmEngine(server, MODEL)
    environment.program().write_text(f"#!{sys.executable}\nraise SystemExit('no GPU left')\n")
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{server.url}/fake/die")
    wait_until(lambda: any("not started again" in line for line in told), 60)
    with pytest.raises(ServeError) as caught:
        engine.complete([ASKED])
    assert caught.value.key == "serving.vllm_gone"
    assert "no GPU left" not in caught.value.message, "what it printed is not for clients"
    assert len([line for line in told if "started anew" in line]) == 2
    assert any("no GPU left" in line for line in told)
    engine.close()


def test_an_answer_that_loses_its_server_says_so(settings: VllmSettings) -> None:
    server = VllmProcess(settings, str)
    engine = VllmEngine(server, MODEL)
    httpx.post(f"{server.url}/fake/pause", json={"seconds": 0.05})
    pieces = engine.stream(Request(ASKED.prompt, ASKED.stop_ids, Sampling(max_new_tokens=400)))
    next(pieces)
    os.killpg(server._child._guard.pid, signal.SIGKILL)
    with pytest.raises(ServeError) as caught:
        list(pieces)
    assert caught.value.key == "serving.vllm_ended"
    wait_until(lambda: server._url is None, 10)
    with pytest.raises(ServeError, match="started anew"):
        engine.complete([ASKED])
    assert engine.running == 0
    engine.close()


def test_leaving_a_stream_ends_the_work_there(settings: VllmSettings) -> None:
    server = VllmProcess(settings, str)
    engine = VllmEngine(server, MODEL)
    httpx.post(f"{server.url}/fake/pause", json={"seconds": 0.02})
    pieces = engine.stream(Request(ASKED.prompt, ASKED.stop_ids, Sampling(max_new_tokens=400)))
    next(pieces)
    assert httpx.get(f"{server.url}/fake/running").json() == 1
    pieces.close()
    wait_until(lambda: httpx.get(f"{server.url}/fake/running").json() == 0, 10)
    engine.close()


def test_nothing_is_left_where_not_even_the_last_line_can_be_written(tmp_path: Path) -> None:
    """On a full disk what holds the GPU must go all the same."""
    note = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {note}; exit 3"
    guard = [sys.executable, "-m", "conch.inference.vllm.guard", "sh", "-c", script]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.Popen(
            guard, stdin=subprocess.PIPE, stdout=full, stderr=subprocess.DEVNULL, start_new_session=True
        )
    ended.wait(30)
    left = int(note.read_text())
    wait_until(lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == "zombie", 5)
    assert ended.stdin is not None
    ended.stdin.close()


HOLDER = """
import sys, time
from pathlib import Path
from conch.inference.vllm.process import VllmProcess, VllmSettings
folder = Path(sys.argv[1])
server = VllmProcess(VllmSettings(folder, folder), str)
print(server._child._guard.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_server_that_is_killed(installed: Path, tiny_folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tiny_folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    guard = psutil.Process(int(holder.stdout.readline()))
    group = [guard, *guard.children(recursive=True)]
    assert len(group) == 2
    holder.kill()
    holder.wait()
    _, left = psutil.wait_procs(group, timeout=20)
    assert left == []


@pytest.mark.parametrize(("ranks", "bound"), [([], 0), ([8], 8), ([9, 4], 16), ([512], 512), ([33], 64)])
def test_the_rank_that_vllm_is_started_for(ranks: list[int], bound: int) -> None:
    assert rank_for(ranks) == bound


def test_a_rank_beyond_vllms() -> None:
    with pytest.raises(ServeError, match="513"):
        rank_for([513])


def test_half_an_environment_is_none(installed: Path) -> None:
    assert environment.is_ready()
    (environment.folder() / environment.UNFINISHED).touch()
    assert not environment.is_ready()


def test_an_environment_that_can_not_be_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false = ((sys.executable, "-c", "raise SystemExit(7)"),)
    monkeypatch.setattr(environment, "commands", lambda: false)
    told: list[str] = []
    with pytest.raises(ServeError, match="status 7"):
        environment.make(told.append)
    assert told[0].startswith("$ ")
    assert not environment.is_ready()


def test_logs_of_servers_that_are_gone_are_removed(settings: VllmSettings) -> None:
    place = environment.env.home() / "logs"
    done = subprocess.run(
        [sys.executable, "-c", "from conch.core.leftovers import own; print(own('vllm-') + 'abc')"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    place.mkdir(parents=True)
    (place / done.stdout.strip()).write_text("old")
    mine = process._log_file()
    mine.write_text("new")
    assert [path.name for path in place.iterdir()] == [mine.name]
    begun = time.monotonic()
    assert process.last_lines(mine) == "new"
    assert time.monotonic() - begun < 5
