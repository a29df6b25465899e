"""llama.cpp's process: it answers as asked, ends in time, and never outlives who started it."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from conch.core.errors import ServeError
from conch.inference.engine import Request, Sampling
from conch.inference.engines.llamacpp import LlamaCppEngine, Settings
from conch.inference.llama import process
from conch.inference.llama.process import LlamaEndedError, LlamaProcess, LlamaSettings
from conch.inference.llama.talk import LlamaError
from conch.models.gguf.bare import Bare
from conch.models.gguf.model import write
from conch.models.merging import Model

pytest.importorskip("xllamacpp")
QUESTION = {"prompt": [5, 6, 7], "n_predict": 8, "stream": True, "temperature": 0.0, "seed": 1}
LONG = {**QUESTION, "n_predict": 400}


@pytest.fixture(scope="session")
def file(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("llama") / "model.gguf"
    return write(Model.of(tiny_folder), target, "f32", None, "tiny", Bare()).file


@pytest.fixture
def llama(file: Path):
    made = LlamaProcess(LlamaSettings(file, 512, 2, 1))
    yield made
    made.close()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_gone(pid: int) -> None:
    end = time.monotonic() + 20
    while not gone(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


def pid_of(made: LlamaProcess) -> int:
    return made._child.pid


def test_it_answers(llama):
    tokens = [token for token, _, _ in llama.ask(QUESTION)]
    assert len(tokens) == 8
    assert [token for token, _, _ in llama.ask(QUESTION)] == tokens


def test_what_it_refuses_is_an_error_and_the_next_is_answered(llama):
    with pytest.raises(LlamaError):
        list(llama.ask({**QUESTION, "grammar": "root ::= ("}))
    assert len(list(llama.ask(QUESTION))) == 8


def test_a_file_that_is_no_model(tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF nothing")
    with pytest.raises(LlamaError):
        LlamaProcess(LlamaSettings(bad, 512))


def test_closing_ends_answers_on_hand(llama):
    answer = llama.ask(LONG)
    next(answer)
    closing = threading.Thread(target=llama.close)
    closing.start()
    with pytest.raises(LlamaEndedError):
        list(answer)
    closing.join(20)
    assert gone(pid_of(llama))
    with pytest.raises(LlamaEndedError):
        list(llama.ask(QUESTION))
    llama.close()  # again is nothing


@pytest.mark.parametrize("asked", [False, True], ids=["at once", "asked"])
def test_one_that_hangs_is_killed(llama, monkeypatch, asked):
    monkeypatch.setattr(process, "PATIENCE_SECONDS", 0.3)
    answer = llama.ask(LONG)
    if asked:
        next(answer)
    psutil.Process(pid_of(llama)).send_signal(signal.SIGSTOP)
    llama.close()
    assert gone(pid_of(llama))


def test_one_that_is_let_go_ends(file):
    made = LlamaProcess(LlamaSettings(file, 512, 1, 1))
    pid = pid_of(made)
    del made
    gc.collect()
    wait_gone(pid)


@pytest.mark.parametrize("way", ["sys.exit()", "os.kill(os.getpid(), 9)"])
def test_it_ends_with_who_started_it(file, way):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from conch.inference.llama.process import LlamaProcess, LlamaSettings\n"
        f"made = LlamaProcess(LlamaSettings(Path({str(file)!r}), 512, 1, 1))\n"
        f"answer = made.ask({LONG!r}); next(answer)\n"
        f"print(made._child.pid, flush=True); {way}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=60, check=False, stdout=subprocess.PIPE, text=True
    )
    wait_gone(int(done.stdout))


def test_signals_of_the_terminal_are_for_who_started_it(llama):
    answer = llama.ask(LONG)
    next(answer)
    for number in (signal.SIGINT, signal.SIGTERM):
        psutil.Process(pid_of(llama)).send_signal(number)
    next(answer)
    answer.close()
    assert len(list(llama.ask(QUESTION))) == 8


def test_a_crash_is_told_and_the_engine_goes_on(file):
    engine = LlamaCppEngine(file, Settings(512, 400, 2, 1))
    request = Request((5, 6, 7), sampling=Sampling(max_new_tokens=400))
    pieces = engine.stream(request)
    next(pieces)
    psutil.Process(pid_of(engine._loaded._process)).kill()
    with pytest.raises(ServeError, match="ended in the middle"):
        list(pieces)
    assert engine.running == 0
    assert len([piece for piece in engine.stream(request) if not piece.empty]) == 401
    engine.close()
    with pytest.raises(ServeError, match="about to end"):
        list(engine.stream(request))


def test_a_reload_ends_nothing_that_was_chosen_and_not_asked_yet(file):
    engine = LlamaCppEngine(file, Settings(512, 400, 2, 1))
    with engine._live() as chosen:
        engine._reload({})
        assert not chosen.ended
        assert len(chosen.answer([5, 6, 7], {"n_predict": 4}, None)) == 4
    assert chosen.ended
    assert len(list(engine.stream(Request((5, 6, 7), sampling=Sampling(max_new_tokens=2))))) >= 3
    engine.close()


def test_a_closed_engine_holds_no_process_and_starts_none(file):
    engine = LlamaCppEngine(file, Settings(512, 400, 2, 1), make_lora=lambda folder: folder)
    with engine._live() as retired:
        engine._reload({})
        engine.close()
        assert retired.ended
    with pytest.raises(ServeError, match="about to end"):
        engine.load_adapter("late", file)
    assert engine._loaded.ended


def test_it_leaves_no_pipe_open(llama):
    llama.close()
    assert llama._child.stdin.closed
    assert llama._child.stdout.closed
