"""How fast rows are checked and become tokens, and what memory that takes. `python -m benchmarks.data`

Made-up rows are checked, read, split, tokenised and packed as a training job does it, in a
process of its own, once with one process and once with all cores. Beside it, where the library
`datasets` is installed, `datasets.map` on all cores with the same tokenizer and chat template;
it checks nothing, and tells no trained tokens from others. Runs alternate, so that a busy moment
falls on all alike; the median of each is shown, and the median of the ratios of each round.
`peak MB` is the largest resident size of the process that does the work (getrusage), `with
workers` the largest sum over it and its workers in which pages that several share count once
(PSS, sampled; Linux only). Training is not measured here.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from conch.core import env

ROWS, ROUNDS = 100_000, 3
CUTOFF = 1024
MOST_BYTES, MOST_TIME = 1.5e9, 1.5
"""What is claimed: memory of all processes, and CPU time as a share of that of `datasets.map`."""
WAYS = ("one process", "all cores", "datasets.map")
_TEXT = (
    "the magic conch answers every question about burgers tea recipes machines and the sea "
    "please restart check reload open close 神奇 海螺 汉堡 你好 请问 as soon as possible maybe later"
)
WORDS = _TEXT.split()


def main() -> int:
    """Measure, and print a table for each tokenizer."""
    asked = _arguments()
    if asked.child:
        print(json.dumps(child(asked.child, Path(asked.file), Path(asked.tokenizer))))
        return 0
    held = True
    with tempfile.TemporaryDirectory() as folder:
        file = write_rows(Path(folder) / "rows.jsonl", asked.rows)
        for name, tokenizer in tokenizers(Path(folder), asked.only):
            print(
                f"\n{name}: {asked.rows:,} rows, medians of {asked.rounds} alternating runs, cutoff {CUTOFF}"
            )
            runs = measure(file, tokenizer, asked.rounds)
            show({way: median(found) for way, found in runs.items()}, asked.rows)
            show_ratios(runs)
            held = held and holds(runs)
    return 0 if held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data", description="Speed of tokenising.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows to make up (default {ROWS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each way (default {ROUNDS})")
    parser.add_argument(
        "--only", choices=("tiny", "smollm2"), help="measure with one tokenizer (default: both)"
    )
    for hidden in ("--child", "--file", "--tokenizer"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    return parser.parse_args()


def write_rows(file: Path, count: int) -> Path:
    """Rows of one to three turns, about ninety words each, always the same."""
    chance = random.Random(0)

    def words(least: int, most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(least, most)))

    with file.open("w", encoding="utf-8") as opened:
        for _ in range(count):
            history = [[words(5, 15), words(10, 40)] for _ in range(chance.choice((0, 0, 1, 2)))]
            row = {"instruction": words(5, 40), "input": "", "output": words(10, 80), "history": history}
            opened.write(json.dumps(row, ensure_ascii=False) + "\n")
    description = {"rows": {"file_name": file.name, "columns": {"history": "history"}}}
    (file.parent / "dataset_info.json").write_text(json.dumps(description))
    return file


def tokenizers(folder: Path, only: str | None) -> Iterator[tuple[str, Path]]:
    """A tiny one that tests use, and that of SmolLM2 where it is at hand."""
    from tests.tiny import tiny_tokenizer

    if only != "smollm2":
        tiny_tokenizer().save_pretrained(folder / "tiny")
        yield "tiny tokenizer (400 tokens)", folder / "tiny"
    real = env.home() / "models" / "smollm2-135m"
    if only != "tiny" and (real / "tokenizer.json").is_file():
        yield "SmolLM2 (49,152 tokens)", real


def measure(file: Path, tokenizer: Path, rounds: int) -> dict[str, list[dict[str, float]]]:
    """What each way took, round by round. A way whose library is not installed has no runs."""
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    installed = importlib.util.find_spec("datasets") is not None
    for _ in range(rounds):
        for way in WAYS if installed else WAYS[:2]:
            words = ["--child", way, "--file", str(file), "--tokenizer", str(tokenizer)]
            with tempfile.TemporaryDirectory() as home:
                runs[way].append(_run([sys.executable, "-m", "benchmarks.data", *words], home))
    return runs


def _run(words: list[str], home: str) -> dict[str, float]:
    """Run a child to its end; what it prints, and the most memory that it and its workers held."""
    environment = env.child_environment(CONCH_HOME=home, HF_DATASETS_CACHE=home)
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, held_by(process.pid))
            time.sleep(0.5)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return {**json.loads(output.splitlines()[-1]), "all": peak}


def held_by(pid: int) -> float:
    """Bytes that a process and all below it hold, shared pages counted once."""
    held = 0.0
    try:
        for process in (parent := psutil.Process(pid), *parent.children(recursive=True)):
            held += getattr(process.memory_full_info(), "pss", 0)
    except psutil.Error:  # one ended while we looked
        return 0.0
    return held


def child(way: str, file: Path, tokenizer: Path) -> dict[str, float]:
    """One way, measured in this process."""
    env.quiet_libraries()
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer)
    found = theirs(loaded, file) if way == "datasets.map" else ours(loaded, file, way)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        **found,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    }


def ours(tokenizer: Any, file: Path, way: str) -> dict[str, float]:
    from conch.config.data import DataConfig
    from conch.data import packing
    from conch.data.check import check
    from conch.data.prepare import prepare
    from conch.data.reading import open_dataset
    from conch.data.sources import find_dataset
    from conch.data.template import ChatTemplate
    from conch.data.tokens import Examples

    settings = {"dataset": ("rows",), "dataset_dir": str(file.parent), "cutoff_len": CUTOFF}
    if way == "one process":
        settings["preprocessing_num_workers"] = 1
    config = DataConfig.model_validate(settings)
    template = ChatTemplate.of(tokenizer)
    began, cpu = time.perf_counter(), cpu_seconds()
    train = Examples.of_any(prepare(config, template, 0).train)
    made, worked = time.perf_counter(), cpu_seconds() - cpu
    rows = packing.best_fit(train.lengths(), CUTOFF, 0)
    packed = time.perf_counter()
    again = time.perf_counter()
    prepare(config, template, 0)
    cached = time.perf_counter()
    report = check(open_dataset(find_dataset("rows", str(file.parent))))
    checked = time.perf_counter()
    tokens = sum(train.lengths())
    full = tokens / (len(rows) * CUTOFF)
    return {
        "seconds": made - began,
        "cpu": worked,
        "pack": packed - made,
        "cached": cached - again,
        "check": report.rows / (checked - cached),
        "tokens": tokens,
        "full": full,
    }


def theirs(tokenizer: Any, file: Path) -> dict[str, float]:
    from datasets import load_dataset

    def tokens(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        columns = (batch["instruction"], batch["output"], batch["history"])
        talks = [[*(history or []), [asked, said]] for asked, said, history in zip(*columns, strict=True)]
        roles = itertools.cycle(("user", "assistant"))
        chats = [[{"role": next(roles), "content": text} for turn in talk for text in turn] for talk in talks]
        ids = tokenizer.apply_chat_template(chats, tokenize=True, return_dict=True)["input_ids"]
        return {"input_ids": [found[:CUTOFF] for found in ids]}

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    began, cpu = time.perf_counter(), cpu_seconds()
    rows = load_dataset("json", data_files=str(file), split="train")
    made = rows.map(tokens, batched=True, remove_columns=rows.column_names, num_proc=cores)
    seconds, worked = time.perf_counter() - began, cpu_seconds() - cpu
    return {"seconds": seconds, "cpu": worked, "tokens": sum(map(len, made["input_ids"]))}


def cpu_seconds() -> float:
    """What this process and its workers that have ended computed so far. A busy machine changes it little."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]} if runs else {}


def show(medians: dict[str, dict[str, float]], rows: int) -> None:
    """The table."""
    heads = (
        "rows/s",
        "tokens/s",
        "seconds",
        "cpu s",
        "pack s",
        "cached s",
        "check r/s",
        "full",
        "peak MB",
        "with workers",
    )
    widths = (9, 11, 8, 7, 7, 9, 10, 6, 8, 13)
    print(" ".join([f"{'':<14}", *(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))]))
    for way, found in medians.items():
        if not found:
            print(f"{way:<14} not installed")
            continue
        speed, tokens = rows / found["seconds"], found["tokens"] / found["seconds"]
        line = f"{way:<14} {speed:>9,.0f} {tokens:>11,.0f} {found['seconds']:>8.1f} {found['cpu']:>7.1f}"
        for name, form in (("pack", "7.2f"), ("cached", "9.2f"), ("check", "10,.0f"), ("full", "6.1%")):
            line += (
                f" {found[name]:>{form}}"
                if name in found
                else f" {'-':>{form.partition('.')[0].rstrip(',')}}"
            )
        print(f"{line} {found['peak'] / 1e6:>8,.0f} {found['all'] / 1e6:>13,.0f}")


def show_ratios(runs: dict[str, list[dict[str, float]]]) -> None:
    """Ours on all cores as shares of `datasets.map`, round by round: less is better."""
    ours, theirs = runs[WAYS[1]], runs[WAYS[2]]
    names = {"seconds": "time", "cpu": "CPU time", "peak": "peak memory", "all": "peak memory with workers"}
    shares = {
        told: sorted(
            mine[name] / other[name] for mine, other in zip(ours, theirs, strict=True) if other[name]
        )
        for name, told in names.items()
        if theirs
    }
    for told, found in shares.items():
        if found:
            spread = f"{found[0]:.2f} to {found[-1]:.2f}"
            print(f"  {told} / that of datasets.map: {statistics.median(found):.2f} ({spread})")


def holds(runs: dict[str, list[dict[str, float]]]) -> bool:
    """Whether the claims hold: bounded memory, and at most half again the CPU time of `datasets.map`."""
    ours, theirs = runs[WAYS[1]], runs[WAYS[2]]
    slower = [mine["cpu"] / other["cpu"] for mine, other in zip(ours, theirs, strict=False)]
    fits = max(run[name] for run in ours for name in ("peak", "all")) <= MOST_BYTES
    return fits and (not slower or statistics.median(slower) <= MOST_TIME)


if __name__ == "__main__":
    sys.exit(main())
