"""llama.cpp's own HTTP server, through xllamacpp.

`python -m benchmarks.serving.raw_llamacpp FILE PORT SLOTS CONTEXT`
"""

from __future__ import annotations

import os
import signal
import sys

import psutil
import xllamacpp

file, port, slots, context = sys.argv[1], *(int(word) for word in sys.argv[2:5])
settings = xllamacpp.CommonParams()
settings.model.path = file
settings.n_parallel = slots
settings.n_ctx = slots * context
settings.port = port
settings.hostnames = ["127.0.0.1"]
settings.verbosity = -1
settings.ui = False
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = psutil.cpu_count(logical=False)
server = xllamacpp.Server(settings)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
os._exit(0)  # the library's own way out may wait for itself
