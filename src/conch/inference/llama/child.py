"""What runs in the process of llama.cpp: `python -m conch.inference.llama.child`. See `process.py`.

Lines of JSON come in and go out. It ends with its input, at once and without cleaning up:
that is where llama.cpp would wait for itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for who started us, and who ends us in time
        signal.signal(number, signal.SIG_IGN)
    out = _Out()
    settings = json.loads(sys.stdin.readline())
    try:
        server = _server(settings)
        out.tell({"address": str(server.listening_address)})
    except BaseException as error:  # llama.cpp tells the reason on stderr, and here that there is one
        out.tell({"failed": str(error) or type(error).__name__})
        os._exit(1)
    talks: dict[int, _Talk] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        number = asked["number"]
        if "question" in asked:
            talks[number] = _Talk(number, asked["question"], server, out)
        elif "stop" in asked:
            talks[number].stop()
        else:  # read to the end
            del talks[number]
    os._exit(0)


class _Out:
    """Our side of the pipe. What C code prints goes to stderr instead."""

    def __init__(self) -> None:
        self._pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._turn = threading.Lock()

    def tell(self, told: Any) -> None:
        line = json.dumps(told, separators=(",", ":")) + "\n"
        with self._turn:
            self._pipe.write(line)
            self._pipe.flush()


class _Talk:
    """One question to llama.cpp, answered on a thread of its own."""

    def __init__(self, number: int, question: dict[str, Any], server: Any, out: _Out) -> None:
        self._number = number
        self._question = question
        self._server = server
        self._out = out
        self._left = False
        self._error: str | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """The work ends within one step of it."""
        self._left = True

    def _run(self) -> None:
        try:
            self._server.handle_completions(self._question, self._hear)
        except Exception as error:
            self._error = str(error) or type(error).__name__
        self._out.tell({"number": self._number, "end": self._error})

    def _hear(self, told: dict[str, Any]) -> bool:
        """Called with every piece; what it returns says whether to stop."""
        if "error" in told:
            self._error = str(told["error"].get("message"))
        elif not self._left:
            for tokens in _tokens(told):
                self._out.tell({"number": self._number, "tokens": tokens})
        return self._left


def _tokens(told: dict[str, Any]) -> Any:
    """The tokens in a piece of llama.cpp's answer with what is known of them: [id, logprob, alternatives].

    None of them where it only says that a part of the prompt was read.
    """
    if "prompt_progress" in told:
        yield []
    choice = told["choices"][0]
    ids = [int(text) for text in choice["text"].split(",") if text]
    if ids:
        logprob, top = _likelihood(choice["logprobs"])
        yield [[token, logprob, top] for token in ids]


def _likelihood(logprobs: dict[str, Any] | None) -> tuple[float | None, list[Any]]:
    if not logprobs or not logprobs["content"]:
        return None, []
    entry = logprobs["content"][0]
    return entry["logprob"], [[int(other["id"]), other["logprob"]] for other in entry["top_logprobs"]]


def _server(settings: dict[str, Any]) -> Any:
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path = settings["file"]
    made.port = 0
    made.n_parallel = settings["slots"]
    made.n_ctx = settings["context"] * settings["slots"]
    made.n_batch = made.n_ubatch = settings["batch"]
    made.cache_ram_mib = 0  # slots keep their caches; another copy of them would only grow
    made.warmup = made.ui = made.endpoint_slots = made.endpoint_props = False
    made.verbosity = -1
    made.api_keys = [settings["key"]]  # it listens on a port of its own, which is for nobody else
    if settings["threads"]:
        made.cpuparams.n_threads = made.cpuparams_batch.n_threads = settings["threads"]
    adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in settings["adapters"]]
    made.lora_adapters = adapters
    if settings["exact"]:
        _make_exact(made, xllamacpp)
    return xllamacpp.Server(made)


def _make_exact(made: Any, library: Any) -> None:
    made.n_gpu_layers = 0
    made.cache_type_k = made.cache_type_v = library.ggml_type.GGML_TYPE_F32
    made.flash_attn_type = library.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    made.cpuparams.poll = made.cpuparams_batch.poll = 0  # threads that wait don't spin


if __name__ == "__main__":
    main()
