"""How fast this machine multiplies matrices of a model's shapes, which bounds how fast it can train.

`python -m benchmarks.speed.products MODEL TOKENS LABELS KIND...` prints the figures as JSON: operations a
second with fp32, bf16 or int8, forward (x W^T) and backward to the input (dy W), as LoRA needs them:
4 operations for each weight and token. The head counts at labels alone.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

KINDS = ("fp32", "bf16", "int8")
REPEATS = 5
WEIGHTS = 4
"""Different weights in turn, so that none is in the nearest cache already."""

Shapes = Counter[tuple[int, int]]
"""[out, in] of linear layers, and how often each is there."""


def main() -> None:
    model, tokens, labels = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    body, head = shapes(model)
    rows = {**dict.fromkeys(body, tokens), **dict.fromkeys(head, labels)}
    counted = body + head
    import torch

    found: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "body": weights(body),
        "head": weights(head),
    }
    for kind in sys.argv[4:]:
        seconds = {shape: timed(kind, *shape, rows[shape]) for shape in counted}
        work = sum(4 * out * into * rows[out, into] * count for (out, into), count in counted.items())
        found[kind] = work / sum(seconds[shape] * count for shape, count in counted.items())
    print(json.dumps(found))


def measured(
    model: Path, shape: tuple[int, int], kinds: Iterable[str], environment: Mapping[str, str]
) -> dict[str, float]:
    """What `main` prints of tokens and labels in this number, from a process of its own."""
    words = [sys.executable, "-m", __name__, str(model), *map(str, shape), *kinds]
    done = subprocess.run(
        words, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True, timeout=600
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def shapes(model: Path) -> tuple[Shapes, Shapes]:
    """Of the linear layers of the body, and of the head."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        made = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))
    head = made.get_output_embeddings()
    found = [m for m in made.modules() if isinstance(m, torch.nn.Linear) and m is not head]
    return Counter(tuple(m.weight.shape) for m in found), Counter([tuple(head.weight.shape)])


def weights(counted: Shapes) -> int:
    return sum(out * into * count for (out, into), count in counted.items())


def timed(kind: str, out: int, into: int, rows: int) -> float:
    """Median seconds of one product forward and one backward."""
    product = PRODUCTS[kind](out, into, rows)
    product(0)
    taken = []
    for number in range(REPEATS):
        began = time.perf_counter()
        for turn in range(WEIGHTS):
            product((number + turn) % WEIGHTS)
        taken.append((time.perf_counter() - began) / WEIGHTS)
    return statistics.median(taken)


def floating(dtype: str) -> Callable[[int, int, int], Callable[[int], None]]:
    def prepare(out: int, into: int, rows: int) -> Callable[[int], None]:
        import torch

        kind = getattr(torch, dtype)
        held = [torch.randn(out, into).to(kind) for _ in range(WEIGHTS)]
        x, dy = torch.randn(rows, into).to(kind), torch.randn(rows, out).to(kind)
        y, dx = torch.empty_like(dy), torch.empty_like(x)

        def product(number: int) -> None:
            torch.mm(x, held[number].T, out=y)
            torch.mm(dy, held[number], out=dx)

        return product

    return prepare


def whole_numbers(out: int, into: int, rows: int) -> Callable[[int], None]:
    import torch

    def random(*shape: int) -> Any:
        return torch.randint(-127, 128, shape, dtype=torch.int8)

    held, x, dy = [random(out, into) for _ in range(WEIGHTS)], random(rows, into), random(rows, out)
    y, dx = torch.empty(rows, out, dtype=torch.int32), torch.empty(rows, into, dtype=torch.int32)

    def product(number: int) -> None:
        torch._int_mm(x, held[number].T, out=y)
        torch._int_mm(dy, held[number], out=dx)

    return product


PRODUCTS = {"fp32": floating("float32"), "bf16": floating("bfloat16"), "int8": whole_numbers}


if __name__ == "__main__":
    main()
