"""How much memory an export takes: at most 1.3 times its largest shard and 1 GB, proof included.

A random Llama model of the given size is made in bf16 with a LoRA adapter on it, in a folder that is gone
afterwards (and so is the export); `--model` names another one for its tokenizer. Measured is the most
memory that the exporting process ever held (VmHWM). Fails where it is more than the bound.

    python -m benchmarks.export_memory --model FOLDER [--millions 600] [--format safetensors]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conch.exporting.whole import SHARE, SPARE

EXPORT = """
import sys
from pathlib import Path
from conch.cli import run
code = run(["export", *sys.argv[1:]])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print("peak", int(peak.split()[1]) * 1024)
sys.exit(code)
"""
WIDTH = 1536


def make(tokenizer_of: Path, folder: Path, millions: int) -> tuple[Path, Path]:
    """A model and an adapter; each layer has about 25 million parameters."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_of)
    rows = len(tokenizer)
    a_layer = 2 * WIDTH**2 + 2 * WIDTH * WIDTH // 3 + 3 * WIDTH * 4 * WIDTH
    config = AutoConfig.for_model(
        "llama",
        vocab_size=rows,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=max(1, (millions * 10**6 - rows * WIDTH) // a_layer),
        num_attention_heads=12,
        num_key_value_heads=4,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    settings = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", init_lora_weights=False)
    get_peft_model(model, settings).save_pretrained(folder / "adapter")
    return folder / "model", folder / "adapter"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model folder, for its tokenizer")
    parser.add_argument("--millions", type=int, default=600, help="parameters of the model that is made")
    parser.add_argument("--format", default="safetensors", choices=["safetensors", "gguf"])
    parser.add_argument("--place", type=Path, help="where the folder is made")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.place) as place:
        folder = Path(place)
        base, adapter = make(asked.model, folder, asked.millions)
        words = [str(base), "--to", str(folder / "out"), "--format", asked.format]
        words.append(f"adapter_name_or_path={adapter}")
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", EXPORT, *words], stdout=subprocess.PIPE, text=True, check=False
        )
        seconds = time.monotonic() - began
        print(done.stdout)
        if done.returncode:
            return done.returncode
        peak = int(done.stdout.split()[-1])
        shard = max(file.stat().st_size for file in (folder / "out").iterdir())
    bound = SHARE * shard + SPARE
    print(
        f"peak {peak / 1e9:.2f} GB, bound {bound / 1e9:.2f} GB, shard {shard / 1e9:.2f} GB; {seconds:.0f} s"
    )
    return int(peak > bound)


if __name__ == "__main__":
    sys.exit(main())
