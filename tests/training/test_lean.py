"""A training whose libraries were imported without what they never call, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conch.config import load_train
from conch.core import env
from conch.training import contents, lean
from tests.training.helpers import new_run, weights
from tests.training.helpers import train as train_here

LEAN = """
import sys
from pathlib import Path
from conch.runs import Run
from conch.training import lean
from conch.worker import execute

run = Run(Path(sys.argv[1]))
with lean.imports(run.config()):
    import conch.training.job
assert execute(run), run.summary()["error"]
unwanted = {"datasets", "pandas", "torch._dynamo.symbolic_convert", "torch.distributed.tensor._api"}
assert not unwanted & set(sys.modules), unwanted & set(sys.modules)

import pandas, torch  # what was held back is there for whoever wants it
from torch._dynamo import OptimizedModule, reset
from torch.distributed.tensor import DTensor, Replicate
assert DTensor is sys.modules["torch.distributed.tensor._api"].DTensor
assert torch._dynamo.config.cache_size_limit
with conch.training.lean.index_context():
    pass
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2, 2]
assert torch.distributed.is_available()
"""


def test_a_lean_worker_trains_the_same(tiny_folder: Path, rows: Path) -> None:
    """With evaluation, and checkpoints of the optimiser."""
    settings = {"val_size": 4, "save_steps": 2, "max_steps": 2}
    run = new_run(tiny_folder, rows, **settings)
    words = [sys.executable, "-c", LEAN, str(run.folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    usual = train_here(tiny_folder, rows, **settings)
    one, other = weights(run.output), weights(usual.output)
    assert one.keys() == other.keys()
    assert all((one[name] - other[name]).abs().max() < 1e-5 for name in one)


@pytest.mark.parametrize("key", ["torch_compile", "deepspeed", "fsdp_config"])
def test_who_needs_the_real_modules_gets_them(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_train(values={"model_name_or_path": "m", "dataset": "magic_conch"}).config
    monkeypatch.delitem(sys.modules, lean.COMPILER, raising=False)
    assert not lean._suits(config.model_copy(update={"passthrough": {key: True}}))


def test_one_of_several_processes_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert env.one_of_several()


def test_the_table_of_contents_is_read_once(tmp_path: Path, home: Path) -> None:
    read: list[Path] = []
    folder = tmp_path / "models"
    (folder / "one").mkdir(parents=True)
    found = {frozenset({"torch"}): {"one.modeling": {"Model", "Layer"}}, frozenset(): {"one": {"Config"}}}

    def plain(path: Path, prefix: str | None = None) -> contents.Contents:
        read.append(path)
        return found

    again = contents.remembering(plain)
    assert again(folder) == found
    assert again(folder / "__init__.py", "models") == {
        needs: {f"models.{name}": has for name, has in part.items()} for needs, part in found.items()
    }
    assert len(read) == 1
    os.utime(folder / "one", ns=(1, 1))
    again(folder)
    assert len(read) == 2
    for file in home.rglob("*.json"):
        file.write_text("[]x")
    again(folder)
    assert len(read) == 3


def test_other_folders_are_read_by_the_library(tmp_path: Path) -> None:
    assert contents.remembering(lambda path, prefix=None: {frozenset(): {str(path): {prefix}}})(
        tmp_path, "p"
    ) == {frozenset(): {str(tmp_path): {"p"}}}
