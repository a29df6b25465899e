"""Answers to 200 rows: `conch predict` beside LLaMA-Factory's `do_predict`, same model, rows and settings.

Greedy, bounded in length, on this machine's CPU. LLaMA-Factory runs twice: as it comes, which computes in the
number format of the file, and in fp32, which is faster on CPUs without bf16 instructions. oneDNN is held to
AVX-512 with VNNI for both, as on machines without AMX, unless `--amx` is given. Told are the
seconds that each tool itself counts for the answers (without start and loading), and the processor
seconds of the whole process. Fails where Conch is not 4 times as fast as LLaMA-Factory as it comes.

    python -m benchmarks.predict --data ROWS.json [--model FOLDER] [--peers FOLDER] [--rows 200]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.speed.peers import PEERS_FOLDER, python_of
from benchmarks.speed.runs import NO_AMX

LEAST = 4.0
TRAIN = "import json, sys; from llamafactory.train.tuner import run_exp; run_exp(json.loads(sys.argv[1]))"


def common(asked: argparse.Namespace, rows: Path, output: Path) -> dict[str, Any]:
    return {
        "model_name_or_path": str(asked.model),
        "eval_dataset": rows.stem,
        "dataset_dir": str(rows.parent),
        "output_dir": str(output),
        "max_new_tokens": asked.max_new_tokens,
        "do_sample": False,
        "cutoff_len": 1024,
    }


def with_conch(asked: argparse.Namespace, rows: Path, output: Path) -> dict[str, float]:
    values = common(asked, rows, output)
    words = [f"{key}={value}" for key, value in values.items()]
    return measured([sys.executable, "-m", "conch.cli", "predict", *words], output, amx=asked.amx)


def with_llamafactory(
    asked: argparse.Namespace, rows: Path, output: Path, dtype: str | None
) -> dict[str, float]:
    values = {
        **common(asked, rows, output),
        "stage": "sft",
        "do_predict": True,
        "predict_with_generate": True,
        "finetuning_type": "lora",
        "template": asked.template,
        "report_to": "none",
        "temperature": 1.0,
        "top_p": 1.0,
        **({"infer_dtype": dtype} if dtype else {}),
    }
    return measured(
        [python_of("llamafactory", asked.peers), "-c", TRAIN, json.dumps(values)], output, amx=asked.amx
    )


def measured(command: list[str], output: Path, *, amx: bool) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", **({} if amx else NO_AMX)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads((output / "predict_results.json").read_text(encoding="utf-8"))
    answers = (output / "generated_predictions.jsonl").read_text(encoding="utf-8").splitlines()
    letters = sum(len(json.loads(line)["predict"]) for line in answers)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": float(told["predict_runtime"]), "processor": processor, "letters": letters}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a JSON file of rows in the alpaca form")
    parser.add_argument("--model", type=Path, required=True, help="a model folder")
    parser.add_argument("--peers", type=Path, default=PEERS_FOLDER, help="folder of the environments")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--template", default="smollm2", help="what LLaMA-Factory calls the chat template")
    parser.add_argument("--amx", action="store_true", help="let both use AMX and bf16 instructions")
    parser.add_argument("--only", nargs="+", default=["conch", "auto", "float32"])
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = folder / "rows.json"
        taken = json.loads(asked.data.read_text(encoding="utf-8"))[: asked.rows]
        rows.write_text(json.dumps(taken, ensure_ascii=False), encoding="utf-8")
        (folder / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": rows.name}}))
        for name in asked.only:
            output = folder / name
            if name == "conch":
                found[name] = with_conch(asked, rows, output)
            else:
                found[name] = with_llamafactory(asked, rows, output, None if name == "auto" else name)
            print(name, {key: round(value, 1) for key, value in found[name].items()}, flush=True)
    for name in ("auto", "float32"):
        if name in found and "conch" in found:
            ratio = found[name]["seconds"] / found["conch"]["seconds"]
            print(f"Conch is {ratio:.2f} times as fast as LLaMA-Factory ({name}), {len(taken)} rows")
    if "auto" in found and "conch" in found:
        return int(found["auto"]["seconds"] < LEAST * found["conch"]["seconds"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
