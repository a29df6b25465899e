"""Single steps of a training on a CPU. `python -m benchmarks.kernels`

How long attention over packed rows takes beside PyTorch's own, forward and backward, on one thread;
and how far int8 products are off on a real model, before and after a few columns are spared. The
model is asked for by `--model`, and must be here. Exit code 1 where ours is the slower, or where
sparing columns makes a kind of layer worse.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import torch

from conch.config.model import ModelConfig
from conch.core import env
from conch.models.load import load_base, load_tokenizer
from conch.models.locate import Request, locate
from conch.models.native import library
from conch.training.kernels import segments
from conch.training.kernels.attention import SegmentAttention
from conch.training.kernels.int8 import OUTLIERS, largest_inputs
from conch.training.kernels.products import quantised, sparing

LENGTHS, TOKENS, HEADS, KEY_HEADS, DIM, RUNS = (60, 150, 400, 1200), 1200, 9, 3, 64, 9
TEXT = "Explain how a neural network learns, with an example. 用一个例子说明神经网络是怎样学习的。\n" * 8


def main() -> int:
    """Measure and show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--model", default="smollm2-135m")
    asked = parser.parse_args()
    env.quiet_libraries()
    torch.set_num_threads(1)
    if library() is None:
        raise SystemExit("needs a C compiler: apt-get install gcc")
    faster, nearer = list(attention()), list(products(asked.model))
    return 0 if all(faster) and all(nearer) else 1


def attention() -> Iterator[bool]:
    """Whether ours is the faster, for each length of segments in a row of about the same length."""
    for length in LENGTHS:
        lengths = [length] * (TOKENS // length)
        shapes = [(sum(lengths), heads, DIM) for heads in (HEADS, KEY_HEADS, KEY_HEADS)]
        inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
        direction = torch.randn(shapes[0])

        def ours(inputs: list[torch.Tensor] = inputs, lengths: list[int] = lengths) -> torch.Tensor:
            made: torch.Tensor = SegmentAttention.apply(*inputs, lengths, 0, DIM**-0.5)  # type: ignore[no-untyped-call]
            return made

        def plain(inputs: list[torch.Tensor] = inputs, lengths: list[int] = lengths) -> torch.Tensor:
            q, k, v = (tensor.transpose(0, 1)[None] for tensor in inputs)
            return segments.attend(q, k, v, lengths, None, 0.0, None)[0]

        one, other = (seconds(make, inputs, direction) for make in (ours, plain))
        print(
            f"attention, {len(lengths)} x {length} tokens: {one * 1e3:.1f} ms, PyTorch's {other / one:.2f} x",
            flush=True,
        )
        yield one <= other


def seconds(make: Callable[[], torch.Tensor], inputs: list[torch.Tensor], direction: torch.Tensor) -> float:
    """Processor time of one forward and backward, the median of several."""
    taken = []
    for _ in range(RUNS + 1):
        begin = time.process_time()
        torch.autograd.grad(make(), inputs, direction)
        taken.append(time.process_time() - begin)
    return statistics.median(taken[1:])


@torch.no_grad()
def products(name: str) -> Iterator[bool]:
    """Whether sparing columns brings the products of a kind of layer nearer to the exact ones."""
    config = ModelConfig(model_name_or_path=name)
    located = locate(Request.of(config))
    model = load_base(located, config, torch.float32)
    ids = torch.tensor(load_tokenizer(located.folder, config)(TEXT).input_ids)
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    layers = {n: m for n, m in model.named_modules() if type(m) is torch.nn.Linear and m is not model.lm_head}
    largest = largest_inputs(model, list(layers.values()), ids)

    def compare(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], name: str) -> None:
        x, weight = inputs[0].reshape(-1, inputs[0].shape[-1]), module.weight
        exact, product = x @ weight.T, quantised(weight)
        columns = largest[module].topk(OUTLIERS).indices
        both = (product.forward(x), sparing(product, columns).forward(x))
        first, second = (float((made - exact).norm() / exact.norm()) for made in both)
        errors[name.rpartition(".")[2]].append((first, second))

    for name_of_it, layer in layers.items():
        layer.register_forward_pre_hook(lambda m, given, name=name_of_it: compare(m, given, name))
    model(input_ids=ids[None], use_cache=False)
    for kind, found in errors.items():
        before, after = (statistics.mean(column) for column in zip(*found, strict=True))
        print(f"int8, {kind}: off by {before:.2%}, with {OUTLIERS} columns spared {after:.2%}", flush=True)
        yield after <= before


if __name__ == "__main__":
    sys.exit(main())
