"""Stand-ins for the trackers' libraries: each writes down how it was called, one JSON list a line.

As source, so that a process of its own can import them from a folder on its path.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """\
import json, os, pathlib
def note(*words, **named):
    with open(pathlib.Path(__file__).parent / "calls.jsonl", "a") as file:
        file.write(json.dumps([*words, named], default=str) + "\\n")
class Recorder:
    def __init__(self, name=""):
        self.name = name
    def __getattr__(self, word):
        return lambda *words, **named: note(word, *words, **named)
"""
INIT = """\
def init(**named):
    note("init", **named)
    return Recorder()
def log(values, step=None):
    note("log", values, step=step)
def finish(*words, **named):
    note("finish", *words, **named)
"""
SOURCES = {
    "wandb": HEAD + INIT,
    "swanlab": HEAD + INIT,
    "trackio": HEAD + INIT,
    "mlflow": HEAD
    + """\
def is_tracking_uri_set():
    return False
for word in ("set_tracking_uri", "set_experiment", "start_run", "log_params", "log_metrics", "end_run"):
    globals()[word] = getattr(Recorder(), word)
""",
    "tensorboard": HEAD
    + """\
def DirectoryOutput(path):
    return path
def Writer(output):
    note("init", output)
    return Recorder()
""",
}


def install(folder: Path, name: str) -> Path:
    """A fake library called `name` in `folder`; returns the file of its calls."""
    package = folder / name
    package.mkdir(parents=True)
    module = "summary.py" if name == "tensorboard" else "__init__.py"
    (package / "__init__.py").write_text("")
    (package / module).write_text(SOURCES[name])
    return package / "calls.jsonl"


def calls(file: Path) -> list[list[Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]
