"""The endpoint as tutorials write it: FastAPI around `generate`, one request at a time.

In fp32, without a chat template.

`python -m benchmarks.serving.tutorial MODEL PORT TOKENS`. Two things are better than in the originals, to
be fair: the bound counts new tokens only, and an answer never ends early, so that all servers make as many.
"""

from __future__ import annotations

import sys

import torch
import uvicorn
from fastapi import FastAPI
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, port, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
app = FastAPI()
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@app.get("/generate")
async def generate(prompt: str) -> dict[str, str]:
    inputs = tokenizer(prompt, return_tensors="pt")
    made = model.generate(
        **inputs,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        pad_token_id=tokenizer.eos_token_id,
    )
    return {"generated_text": tokenizer.decode(made[0], skip_special_tokens=True)}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
