"""What runs in the process of llama.cpp: `python -m conch.inference.llama.child`. See `process.py`.

A line of JSON with what to load comes in, one with the address of llama.cpp's HTTP server goes out. It ends
with its input, at once and without cleaning up: that is where llama.cpp would wait for itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import IO, Any


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for who started us, and who ends us in time
        signal.signal(number, signal.SIG_IGN)
    out = _own_output()
    settings = json.loads(sys.stdin.readline())
    try:
        server = _server(settings)
        print(json.dumps({"address": str(server.listening_address)}), file=out, flush=True)
    except BaseException as error:  # llama.cpp tells the reason on stderr, and here that there is one
        print(json.dumps({"failed": str(error) or type(error).__name__}), file=out, flush=True)
        os._exit(1)
    sys.stdin.read()
    os._exit(0)


def _own_output() -> IO[str]:
    """Our side of the pipe. What C code prints goes to stderr from now on."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


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
