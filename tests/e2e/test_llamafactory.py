"""LLaMA-Factory reads what Conch writes, and Conch what LLaMA-Factory wrote. A long proof: `make prove`.

It runs in an environment of its own: the one that the benchmarks use, made from PyPI where it is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from benchmarks.speed.peers import PEERS_FOLDER, python_of

from conch.config import load_export
from conch.config.model import ModelConfig
from conch.exporting.merge import export
from conch.models.load import load
from conch.once import serving
from tests.proofs import Proofs
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import train

IDS = list(range(5, 45))
CHAT = """
import json, sys, torch
from llamafactory.chat import ChatModel
asked = json.loads(sys.argv[1])
ids = asked.pop("ids")
model = ChatModel({**asked, "infer_dtype": "float32", "do_sample": False, "max_new_tokens": 12})
said = model.chat([{"role": "user", "content": "Who are you?"}])[0]
inner = model.engine.model
with torch.no_grad():
    logits = inner(torch.tensor([ids], device=inner.device)).logits[0].float().tolist()
print("TOLD " + json.dumps({"text": said.response_text, "tokens": said.response_length, "logits": logits}))
"""
TRAIN = """
import json, sys
from llamafactory.train.tuner import run_exp
run_exp(json.loads(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def python(request: pytest.FixtureRequest) -> str:
    """LLaMA-Factory's interpreter."""
    if not request.config.getoption("--prove"):
        pytest.skip("a long proof: --prove")
    return python_of("llamafactory", PEERS_FOLDER)


def there(python: str, code: str, asked: dict[str, Any]) -> str:
    """What `code` prints in LLaMA-Factory's environment."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", code, json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**environment, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def chat_there(python: str, model: Path, adapter: Path | None = None) -> dict[str, Any]:
    asked: dict[str, Any] = {"model_name_or_path": str(model), "template": "chatml", "ids": IDS}
    if adapter:
        asked |= {"adapter_name_or_path": str(adapter), "finetuning_type": "lora"}
    line = next(row for row in there(python, CHAT, asked).splitlines() if row.startswith("TOLD "))
    return dict(json.loads(line.removeprefix("TOLD ")))


def logits_here(model: Path) -> Any:
    import torch

    loaded = load(ModelConfig(model_name_or_path=str(model)), dtype="float32")
    with torch.no_grad():
        return loaded.model(torch.tensor([IDS])).logits[0].float()


def apart(there: dict[str, Any], here: Any) -> float:
    import torch

    return float((torch.tensor(there["logits"]) - here).abs().max())


def merge(source: Path, target: Path) -> float:
    """The largest logit difference between the source and its export, by the proof."""
    report = export(load_export(values={"model_name_or_path": str(source), "export_dir": str(target)}).config)
    assert report.proof.holds
    return report.proof.max_logit_difference


def test_it_chats_with_our_adapter_and_our_merged_model(python: str, tmp_path: Path, proofs: Proofs) -> None:
    base = save_tiny(tmp_path / "base")
    run = train(base, write_rows(tmp_path / "rows.json"), num_train_epochs=3)
    merge(run.output, tmp_path / "merged")
    of_adapter = chat_there(python, base, run.output)
    of_merged = chat_there(python, tmp_path / "merged")
    bare = chat_there(python, base)
    here = logits_here(run.output)
    assert of_adapter["tokens"] > 0
    assert of_adapter["text"] == of_merged["text"]
    assert max(apart(of_adapter, here), apart(of_merged, here)) < 1e-3
    assert apart(bare, here) > 0.1, "the adapter changes what is said"
    proofs.tell(
        "LLaMA-Factory chats with our adapter and our merged model",
        f"logits differ by at most {max(apart(of_adapter, here), apart(of_merged, here)):.1e}",
    )


def test_its_adapter_is_exported_and_served(python: str, tmp_path: Path, proofs: Proofs) -> None:
    base = save_tiny(tmp_path / "base")
    rows = write_rows(tmp_path / "rows.json")
    (tmp_path / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": rows.name}}))
    adapter = tmp_path / "adapter"
    asked = {
        "model_name_or_path": str(base),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset": "rows",
        "dataset_dir": str(tmp_path),
        "template": "chatml",
        "cutoff_len": 128,
        "output_dir": str(adapter),
        "num_train_epochs": 3.0,
        "learning_rate": 0.01,
        "report_to": "none",
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "save_steps": 100,
        "overwrite_cache": True,
    }
    there(python, TRAIN, asked)
    difference = merge(adapter, tmp_path / "merged")
    assert difference < 1e-3
    of_adapter = chat_there(python, base, adapter)
    assert apart(of_adapter, logits_here(tmp_path / "merged")) < 1e-3
    words = [str(base), "--adapter", f"theirs={adapter}", "--engine", "transformers"]
    with serving(words, tmp_path / "serve.log", tmp_path) as address:
        body = json.dumps({"model": "theirs", "prompt": "Who are you?", "max_tokens": 4}).encode()
        request = urllib.request.Request(
            f"{address}/v1/completions", body, {"Content-Type": "application/json"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            assert json.load(answer)["model"] == "theirs"
    proofs.tell(
        "An adapter of LLaMA-Factory's is exported and served", f"logits differ by at most {difference:.1e}"
    )
