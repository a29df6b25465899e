"""One training by TRL's SFTTrainer, in its environment. `python with_trl.py JOB.json`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import light
import meter
import torch
from datasets import Dataset
from peft import LoraConfig
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
from trl import SFTConfig, SFTTrainer


def main() -> None:
    job = light.read_job()
    meter.look_on(job)
    Trainer._get_train_sampler = lambda self, *_: SequentialSampler(self.train_dataset)
    SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32),
        processing_class=AutoTokenizer.from_pretrained(job["model"]),
        train_dataset=Dataset.from_list([conversation(row) for row in read(job["rows"])]),
        peft_config=LoraConfig(
            r=job["rank"], lora_alpha=2 * job["rank"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
        args=SFTConfig(
            output_dir=job["output"],
            max_length=job["cutoff"],
            per_device_train_batch_size=job["batch"],
            learning_rate=job["learning_rate"],
            lr_scheduler_type="constant",
            num_train_epochs=1,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            bf16=False,
            use_cpu=True,
            **job["options"],
        ),
    ).train()


def read(rows: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(Path(rows).read_text(encoding="utf-8"))
    return found


def conversation(row: dict[str, str]) -> dict[str, Any]:
    """Question and answer; with both given apart, only the answer is trained."""
    asked = "\n".join(filter(None, (row["instruction"], row.get("input"))))
    return {
        "prompt": [{"role": "user", "content": asked}],
        "completion": [{"role": "assistant", "content": row["output"]}],
    }


if __name__ == "__main__":
    main()
