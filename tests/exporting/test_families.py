"""Every family, trained in every way: the merged folder and its GGUF file answer as what they were made from.

A short run takes each family and each way once; with --prove all are combined.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conch.config import load_export
from conch.exporting.merge import ExportReport, export
from conch.models.hardware import cpu_flags
from tests.proofs import Proofs
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import train

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3_text", "mistral", "phi3")
WAYS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True},
    "two adapters": {},
    "qlora": {"quantization_bit": 8, "quantization_method": "int8"},
    "full": {"finetuning_type": "full", "learning_rate": 1e-3},
    "freeze": {"finetuning_type": "freeze", "learning_rate": 1e-3},
}
SETTINGS = {"num_train_epochs": 4, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, proofs: Proofs) -> Iterator[list[tuple[float, float]]]:
    """The largest logit difference of each merged folder, and the largest of each GGUF file's."""
    found: list[tuple[float, float]] = []
    yield found
    if len(found) == len(FAMILIES) * len(WAYS):
        merged, gguf = map(max, zip(*found, strict=True))
        figures = f"{len(found)} exports of each kind: merged at most {merged:.1e}, GGUF at most {gguf:.1e}"
        proofs.tell(
            "six families (Llama, Qwen2, Qwen3, Gemma 3, Mistral, Phi-3), tiny, each tuned in seven ways "
            "(LoRA, DoRA, rsLoRA, two adapters, LoRA on int8, full, freeze): merged logits differ by less "
            "than 1e-3 in fp32 from the adapter's, and the proof of a GGUF file in f32, read by llama.cpp, "
            "holds",
            figures,
        )


def pairs() -> Iterator[Any]:
    """All of them; those which a short run takes are marked so."""
    for number, (family, way) in enumerate(itertools.product(FAMILIES, WAYS)):
        place, turn = divmod(number, len(WAYS))
        taken = turn == place or (family, way) == ("llama", "freeze")
        yield pytest.param(family, way, taken, id=f"{family}-{way}")


@pytest.mark.parametrize(("family", "way", "taken"), pairs())
def test_merged_and_gguf_answer_as_the_adapter(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    told: list[tuple[float, float]],
    family: str,
    way: str,
    taken: bool,
) -> None:
    if not taken and not request.config.getoption("--prove"):
        pytest.skip("a long proof: --prove")
    if way == "qlora" and not cpu_flags() & {"avx512_vnni", "avx_vnni", "amx_int8"}:
        pytest.skip("a CPU that multiplies int8")
    source, more = tuned(family, way, tmp_path)
    merged = do(source, tmp_path / "merged", infer_dtype="float32", **more)
    assert merged.proof.holds
    assert merged.proof.max_logit_difference < 1e-3
    assert merged.proof.same_answers == merged.proof.prompts
    file = do(source, tmp_path / "file", export_format="gguf", gguf_type="f32", **more)
    assert file.proof.holds
    told.append((merged.proof.max_logit_difference, file.proof.max_logit_difference))


def tuned(family: str, way: str, folder: Path) -> tuple[object, dict[str, Any]]:
    """What is exported, and what else the export is told."""
    base = save_tiny(folder / "base", family)
    rows = write_rows(folder / "rows.json")
    run = train(base, rows, **{**SETTINGS, **WAYS[way]})
    if way != "two adapters":
        return run.id, {}
    other = train(base, rows, **SETTINGS, seed=1, lora_rank=4)
    return base, {"adapter_name_or_path": [str(run.output), str(other.output)]}


def do(source: object, to: Path, **settings: object) -> ExportReport:
    values = {"model_name_or_path": str(source), "export_dir": str(to), **settings}
    return export(load_export(values=values).config)
