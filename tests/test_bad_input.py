"""What goes wrong for users: each ends with the right exit code, names the place, and says what to do.

Nothing here shows a traceback, and nothing that is refused leaves anything behind.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conch import submit, worker
from conch.config import load_train
from conch.core.errors import TrainingError
from conch.core.events import Failed, Finished, Started
from conch.runs import Run, list_runs, read_events, store
from conch.training.checkpoint import latest, resumable
from tests.cli.program import Ended, call, spawn
from tests.models.folders import add_adapter
from tests.tiny import tiny_model, write_rows

USAGE, OTHER = 2, 1
"""Exit codes: what was asked for makes no sense, and every other failure."""


@dataclass(frozen=True)
class Place:
    """A current folder with a good model and good rows in it, for a case to spoil."""

    folder: Path
    model: Path
    rows: Path

    def write(self, name: str, content: str | bytes | object) -> Path:
        """A file in this place; what is no text is written as JSON."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, (str, bytes)) else json.dumps(content, ensure_ascii=False)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def config(self, **changes: Any) -> list[str]:
        """`conch train job.yaml` with a good config but for `changes`."""
        good = {"model_name_or_path": str(self.model), "dataset": str(self.rows), "output_dir": "out"}
        values = {key: value for key, value in {**good, **changes}.items() if value is not None}
        lines = [
            f"{key}: {value if isinstance(value, str) else json.dumps(value)}"
            for key, value in values.items()
        ]
        self.write("job.yaml", "\n".join(lines) + "\n")
        return ["train", "job.yaml"]

    def copy(self, name: str = "copy") -> Path:
        """A copy of the model, to be damaged."""
        return Path(shutil.copytree(self.model, self.folder / name))

    def run(self, name: str = "20250101-000000-aaaa", ended: type | None = Finished, **settings: Any) -> Run:
        """A run of a made-up past."""
        values = {"model_name_or_path": str(self.model), "dataset": str(self.rows), **settings}
        made = store.create(load_train(values=values).config)
        run = Run(made.folder.rename(made.folder.parent / name))
        run.events.write(Started, pid=1)
        if ended is Finished:
            run.events.write(Finished, step=2, train_seconds=1.0, tokens=10, tokens_per_second=10.0)
        if ended is Failed:
            run.events.write(Failed, error="TrainingError", message="It broke.", hint="Mend it.")
        return run


@pytest.fixture
def place(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Place(folder, tiny_folder, write_rows(folder / "rows.json"))


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong. `arrange` makes it and returns the words of the command.

    `says` must all occur in the message; those without a space in Chinese, too.
    """

    name: str
    code: int
    arrange: Callable[[Place], list[str]]
    says: tuple[str, ...]
    real: bool = field(default=False)
    """Whether it is also run as a process of its own."""


def config(name: str, says: tuple[str, ...], *, real: bool = False, **changes: Any) -> Case:
    return Case(name, USAGE, lambda place: place.config(**changes), says, real)


def text(name: str, content: str | bytes, says: tuple[str, ...], *, real: bool = False) -> Case:
    """A config file that holds `content` and nothing else."""

    def arrange(place: Place) -> list[str]:
        place.write("job.yaml", content)
        return ["train", "job.yaml"]

    return Case(name, USAGE, arrange, says, real)


def words(name: str, code: int, said: tuple[str, ...], says: tuple[str, ...], *, real: bool = False) -> Case:
    return Case(name, code, lambda _: list(said), says, real)


ROW = {"instruction": "Who are you?", "input": "", "output": "I am the magic conch."}


def data(
    name: str, content: Any, says: tuple[str, ...], *, file: str = "bad.json", real: bool = False
) -> Case:
    def arrange(place: Place) -> list[str]:
        place.write(file, content)
        return place.config(dataset=f"./{file}")

    return Case(name, OTHER, arrange, (file, *says), real)


def registry(name: str, content: Any, says: tuple[str, ...]) -> Case:
    def arrange(place: Place) -> list[str]:
        place.write("sets/dataset_info.json", content)
        place.write("sets/mine.json", [ROW | {"input": [["only a question"]]}])
        return place.config(dataset="mine", dataset_dir="sets")

    return Case(name, OTHER, arrange, says)


def model(name: str, damage: Callable[[Path], object], says: tuple[str, ...], *, real: bool = False) -> Case:
    def arrange(place: Place) -> list[str]:
        copy = place.copy()
        damage(copy)
        return place.config(model_name_or_path="./copy")

    return Case(name, OTHER, arrange, ("copy", *says), real)


def cut(file: Path, share: float = 0.5) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])


def only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def lose_shard(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))


def bring_code(folder: Path) -> None:
    file = folder / "config.json"
    own = {"auto_map": {"AutoModelForCausalLM": "modeling_own.OwnModel"}}
    file.write_text(json.dumps(json.loads(file.read_text()) | own))


def taken_output(place: Place) -> list[str]:
    place.write("out/old.txt", "something")
    return place.config()


def output_below_file(place: Place) -> list[str]:
    return place.config(output_dir="rows.json/out")


def a_folder(place: Place) -> list[str]:
    (place.folder / "folder.yaml").mkdir()
    return ["train", "folder.yaml"]


def empty_folder(place: Place) -> list[str]:
    (place.folder / "empty").mkdir()
    return place.config(dataset="./empty")


def taken_export(place: Place) -> list[str]:
    place.write("taken/old.txt", "something")
    return ["export", str(place.model), "--to", "taken"]


def unfinished_export(place: Place) -> list[str]:
    return ["export", place.run(ended=Failed).id, "--to", "exported"]


def ambiguous_run(place: Place) -> list[str]:
    place.run("20250101-000000-aaaa")
    place.run("20250101-000000-bbbb")
    return ["runs", "show", "20250101"]


def stop_ended(place: Place) -> list[str]:
    return ["runs", "stop", place.run().id]


def resume_without_checkpoint(place: Place) -> list[str]:
    return ["runs", "resume", place.run().id]


def resume_from_nowhere(place: Place) -> list[str]:
    return ["runs", "resume", place.run().id, "--checkpoint", "nowhere/checkpoint-3"]


CONFIGS = [
    config(
        "wrong type",
        ("lora_rank", "'many'", "job.yaml line 4", "a whole number"),
        lora_rank="many",
        real=True,
    ),
    config("boolean as number", ("learning_rate", "job.yaml line 4", "a number"), learning_rate=True),
    config("word as switch", ("bf16", "'maybe'", "true or false"), bf16="maybe"),
    config("unknown key", ("lora_rnak", "job.yaml line 4", "'lora_rank'"), lora_rnak=16, real=True),
    config(
        "several at once",
        ("lora_rank", "num_train_epochs", "learnig_rate", "'learning_rate'", "3 setting(s)"),
        lora_rank="many",
        num_train_epochs=-1,
        learnig_rate=0.1,
    ),
    config("negative max_steps", ("max_steps", "-5"), max_steps=-5),
    config("negative save_steps", ("save_steps", "-1", "more than 0"), save_steps=-1),
    config("no epochs", ("num_train_epochs", "more than 0"), num_train_epochs=0),
    config("no batch", ("per_device_train_batch_size", "at least 1"), per_device_train_batch_size=0),
    config("NaN", ("learning_rate",), learning_rate=".nan"),
    config("two precisions", ("bf16", "fp16"), bf16=True, fp16=True),
    config("eval without rows", ("eval_strategy", "val_size", "eval_dataset"), eval_strategy="epoch"),
    config("best without eval", ("load_best_model_at_end", "val_size"), load_best_model_at_end=True),
    config("val_size no count", ("val_size", "1.5"), val_size=1.5),
    config(
        "val_size and eval_dataset", ("val_size", "eval_dataset"), val_size=0.1, eval_dataset="./rows.json"
    ),
    config("stage later", ("stage", "'dpo'", "not built yet"), stage="dpo"),
    config("stage unknown", ("stage", "'stf'", "did you mean 'sft'"), stage="stf"),
    config("method later", ("use_galore", "not built yet"), use_galore=True),
    config(
        "a wrong key and no dataset", ("lora_rank", "dataset", "2 setting(s)"), lora_rank="x", dataset=None
    ),
    config("a secret", ("hf_hub_tokne", "'hf_hub_token'", "'…'"), hf_hub_tokne="hf_abcdef"),
    config("tracker later", ("trackio_bucket_id", "not supported yet"), trackio_bucket_id="b"),
    config("bad scheduler", ("lr_scheduler_type", "'cosin'", "cosine"), lr_scheduler_type="cosin"),
    config(
        "bad finetuning_type", ("finetuning_type", "'lroa'", "did you mean 'lora'"), finetuning_type="lroa"
    ),
    config("no dataset", ("dataset", "a registered name"), dataset=None),
    config("no model", ("model_name_or_path", "is required"), model_name_or_path=None),
    text("empty", "# only a remark\n", ("job.yaml", "is empty"), real=True),
    text("not YAML", "dataset: magic_conch\nbf16: [true\nfp16: no\n", ("job.yaml", "line 3")),
    text("tab in YAML", "dataset: magic_conch\n\tbf16: true\n", ("job.yaml", "line 2")),
    text("a list", "- dataset\n- model\n", ("job.yaml", "key: value")),
    text(
        "a key twice", "bf16: true\ndataset: a\nbf16: false\n", ("bf16", "job.yaml line 3", "job.yaml line 1")
    ),
    text("not UTF-8", "template: 海螺\n".encode("gbk"), ("job.yaml", "UTF-8")),
    text("binary", bytes(range(256)), ("job.yaml",)),
    Case("a folder", USAGE, a_folder, ("folder.yaml",)),
    words("missing file", USAGE, ("train", "missing.yaml"), ("missing.yaml",), real=True),
    words("a bare word", USAGE, ("train", "model_name_or_path=x", "oops"), ("oops", "key=value")),
    words("a mistyped word", USAGE, ("train", "--lora_rank=x"), ("lora_rank", "command line")),
]

DATA = [
    Case("unknown name", OTHER, lambda p: p.config(dataset="magic_cnoch"), ("magic_cnoch",)),
    Case("file missing", OTHER, lambda p: p.config(dataset="./gone.json"), ("gone.json",), real=True),
    Case("an empty folder", OTHER, empty_folder, ("empty",)),
    Case(
        "dataset_dir missing",
        OTHER,
        lambda p: p.config(dataset="x", dataset_dir="gone"),
        ("gone", "dataset_dir"),
    ),
    Case("val_size too large", OTHER, lambda p: p.config(val_size=12), ("val_size", "12")),
    data("wrong ending", "x", (".jsonl",), file="bad.foo"),
    data("empty", "", ()),
    data("blank", " \n\n", ()),
    data("no rows", "[]", ()),
    data("an object", ROW, ("one JSON object",)),
    data("no output", [ROW, {"instruction": "a"}], ("row 2", "'output'")),
    data("blank output", [ROW, ROW | {"output": " "}], ("row 2", "'output'")),
    data("number as output", [ROW | {"output": 42}], ("row 1", "'output'", "a JSON number")),
    data("row a list", [ROW, ["Who?", "Me."]], ("row 2", "a JSON array")),
    data("not JSON", '[\n{"instruction": "a",\n"output": b}\n]', ("line 3",), real=True),
    data("not JSON lines", '{"instruction": "a", "output": "b"}\noops\n', ("line 2",), file="bad.jsonl"),
    data("cut short", json.dumps([ROW, ROW], indent=1)[:-40], ("line 10",)),
    data(
        "GBK",
        json.dumps([ROW | {"output": "我是神奇海螺"}], ensure_ascii=False).encode("gbk"),
        ("GBK", "line 1"),
    ),
    data("UTF-16", json.dumps([ROW]).encode("utf-16"), ("UTF-16",)),
    data("latin-1", '[{"instruction": "a", "output": "caf\xe9"}]'.encode("latin-1"), ("UTF-8", "latin-1")),
    data("binary", bytes(range(256)) * 8, ("UTF-8",)),
    registry("registry broken", '{"mine": {"file_name": "mine.json"', ("dataset_info.json", "line 1")),
    registry("registry a list", [], ("dataset_info.json",)),
    registry("entry a text", {"mine": "mine.json"}, ("'mine'", "dataset_info.json")),
    registry(
        "registry column",
        {"mine": {"file_name": "mine.json", "columns": {"promt": "q"}}},
        ("'mine'", "promt"),
    ),
    registry(
        "history",
        {"mine": {"file_name": "mine.json", "columns": {"history": "input"}}},
        ("mine.json", "row 1", "'input'"),
    ),
    registry("registry file missing", {"mine": {"file_name": "gone.json"}}, ("gone.json",)),
    registry(
        "registry of another format",
        {"mine": {"file_name": "mine.json", "formatting": "sharegpt"}},
        ("'mine'", "mine.json"),
    ),
]

MODELS = [
    Case(
        "unknown name",
        OTHER,
        lambda p: p.config(model_name_or_path="smolm2-135"),
        ("smolm2-135", "smollm2-135m"),
    ),
    Case("folder missing", OTHER, lambda p: p.config(model_name_or_path="./gone"), ("./gone",), real=True),
    Case("GGUF missing", OTHER, lambda p: p.config(model_name_or_path="./gone.gguf"), ("./gone.gguf",)),
    Case("a text file", OTHER, lambda p: p.config(model_name_or_path="./rows.json"), ("rows.json",)),
    model("no config", lambda folder: (folder / "config.json").unlink(), ("config.json",)),
    model("config broken", lambda folder: cut(folder / "config.json"), ("config.json",)),
    model("no weights", lambda folder: (folder / "model.safetensors").unlink(), ("safetensors",)),
    model("only a pickle", only_pickle, ("pytorch_model.bin",)),
    model(
        "weights cut short",
        lambda folder: cut(folder / "model.safetensors"),
        ("model.safetensors",),
        real=True,
    ),
    model(
        "header cut short", lambda folder: cut(folder / "model.safetensors", 0.00003), ("model.safetensors",)
    ),
    model(
        "header too long",
        lambda folder: (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}"),
        ("model.safetensors",),
    ),
    model("shard missing", lose_shard, ("model-00002-of-00002.safetensors",)),
    Case(
        "adapter missing",
        OTHER,
        lambda p: p.config(adapter_name_or_path="./gone"),
        ("gone",),
    ),
]

OUTPUTS = [
    Case("output not empty", USAGE, taken_output, ("out", "output_dir"), real=True),
    Case("output below a file", USAGE, output_below_file, ("rows.json",)),
    Case("checkpoint missing", OTHER, lambda p: p.config(resume_from_checkpoint="./gone"), ("gone",)),
    Case("export target not empty", OTHER, taken_export, ("taken",)),
    Case("export unfinished", OTHER, unfinished_export, ("20250101-000000-aaaa",)),
    words("export without target", USAGE, ("export", "smollm2-135m"), ("export_dir",)),
    words("export_dir as a word", OTHER, ("export", "unheard-of", "--export-dir", "x"), ("'unheard-of'",)),
    words("export config missing", USAGE, ("export", "gone.yaml"), ("gone.yaml",)),
]

COMMANDS = [
    words("unknown command", USAGE, ("trian",), ("'trian'", "'train'"), real=True),
    words("unknown subcommand", USAGE, ("runs", "lst"), ("'lst'", "'list'")),
    words("unknown option", USAGE, ("runs", "list", "--jsn"), ("--jsn", "--json"), real=True),
    words("unknown choice", USAGE, ("options", "trian"), ("one of train",)),
    words("argument missing", USAGE, ("runs", "show"), ("RUN",)),
    words("too many", USAGE, ("version", "now"), ("now",)),
    words("not a number", USAGE, ("runs", "logs", "x", "--lines", "many"), ("--lines", "a whole number")),
    words("no lines", USAGE, ("runs", "logs", "x", "--lines", "0"), ("--lines", "at least 1")),
    words(
        "no rows", USAGE, ("data", "preview", "x", "--model", "y", "--rows", "0"), ("--rows", "at least 1")
    ),
    words("run unknown", OTHER, ("runs", "show", "nothing"), ("'nothing'",)),
    words("model not kept", OTHER, ("models", "remove", "nothing"), ("'nothing'",)),
    Case("run ambiguous", OTHER, ambiguous_run, ("20250101-000000-aaaa", "20250101-000000-bbbb")),
    Case("stop of an ended run", OTHER, stop_ended, ("20250101-000000-aaaa", "is finished")),
    Case("resume without checkpoint", OTHER, resume_without_checkpoint, ("20250101-000000-aaaa",)),
    Case("resume from nowhere", OTHER, resume_from_nowhere, ("nowhere/checkpoint-3",)),
]

ALL = [*CONFIGS, *DATA, *MODELS, *OUTPUTS, *COMMANDS]


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name.replace(" ", "-"))


def everything_below(folder: Path) -> dict[str, int]:
    """Every file and folder with its size."""
    return {str(path): path.stat().st_size if path.is_file() else -1 for path in sorted(folder.rglob("*"))}


def is_told(ended: Ended, case: Case) -> None:
    """Exit code, place and remedy are as they should be."""
    assert ended.code == case.code, ended.all
    assert "Traceback" not in ended.all
    assert "unexpectedly" not in ended.all
    for words in case.says:
        assert words in ended.err
    assert any(line.startswith("  → ") and len(line) > 5 for line in ended.err.splitlines()), ended.err


@named(ALL)
def test_a_mistake_is_told_with_its_place_and_remedy(case: Case, place: Place, tmp_path: Path) -> None:
    said = case.arrange(place)
    before = everything_below(tmp_path)
    english = call(*said)
    is_told(english, case)
    assert english.out == ""

    chinese = call(*said, language="zh")
    assert chinese.code == case.code
    assert "→" in chinese.err
    assert any("一" <= letter <= "鿿" for letter in chinese.err)
    for word in case.says:
        assert " " in word or word in chinese.err

    as_json = call(*said, "--json")
    error = as_json.json()["error"]
    assert as_json.code == case.code
    assert error["kind"].endswith(("Error", "Errors"))
    assert error["message"] in english.err
    assert f"  → {error['hint']}" in english.err
    assert everything_below(tmp_path) == before


@named([case for case in ALL if case.real])
def test_as_a_process_of_its_own(case: Case, place: Place, tmp_path: Path) -> None:
    said = case.arrange(place)
    before = everything_below(tmp_path)
    is_told(spawn(*said), case)
    assert everything_below(tmp_path) == before


def test_the_table_is_as_long_as_it_was_meant_to_be() -> None:
    assert len(ALL) >= 45
    assert sum(case.real for case in ALL) >= 8
    for table in (CONFIGS, DATA, MODELS, OUTPUTS, COMMANDS):
        assert len({case.name for case in table}) == len(table)


def test_a_missing_value_is_told() -> None:
    is_told(call("export", "x", "--to"), Case("", USAGE, lambda _: [], ("--to needs a value",)))


def test_chat_in_json_needs_a_question() -> None:
    ended = call("chat", "x", "--json")
    assert ended.code == USAGE
    assert "--prompt" in ended.json()["error"]["hint"]


# What only the worker can see: the model has to be at hand.


def no_gguf(place: Place) -> list[str]:
    place.write("bad.gguf", b"not a model at all")
    return place.config(model_name_or_path="./bad.gguf")


def damaged(damage: Callable[[Path], object]) -> Callable[[Place], list[str]]:
    def arrange(place: Place) -> list[str]:
        damage(place.copy())
        return place.config(model_name_or_path="./copy")

    return arrange


def no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def strange_adapter(place: Place) -> list[str]:
    """An adapter that was made for a model of other shapes."""
    tiny_model(hidden_size=64).save_pretrained(place.folder / "other")
    add_adapter(place.folder / "other", place.folder / "adapter")
    return place.config(adapter_name_or_path="./adapter")


def empty_adapter(place: Place) -> list[str]:
    adapter = add_adapter(place.model, place.folder / "adapter")
    (adapter / "adapter_model.safetensors").unlink()
    return place.config(adapter_name_or_path="./adapter")


IN_THE_WORKER = [
    Case("unknown module", OTHER, lambda p: p.config(lora_target="q_porj"), ("q_porj", "q_proj"), real=True),
    Case("nothing trained", OTHER, lambda p: p.config(cutoff_len=4), ("rows.json", "row 1", "cutoff_len")),
    Case("no tokenizer", OTHER, damaged(no_tokenizer), ("copy", "tokenizer")),
    Case("no chat template", OTHER, damaged(no_template), ("has no chat template", "chatml")),
    Case("code of its own", OTHER, damaged(bring_code), ("copy", "trust_remote_code=true")),
    Case("no GGUF", OTHER, no_gguf, ("bad.gguf",), real=True),
    Case("adapter without weights", OTHER, empty_adapter, ("adapter_model.safetensors",)),
    Case("adapter of another shape", OTHER, strange_adapter, ("adapter",)),
]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers do their run in this process, which has torch already."""

    def launch(run: Run, *arguments: str, secrets: object = None) -> int:
        worker.execute(run)
        return 0

    monkeypatch.setattr(submit.launch, "launch", launch)


@named(IN_THE_WORKER)
def test_a_failure_in_the_worker_is_told_as_well(case: Case, place: Place, at_once: None) -> None:
    said = case.arrange(place)
    is_a_failed_run(call(*said, "--json"), case, place)
    chinese = call(*said, language="zh")
    assert chinese.code == case.code
    assert "错误：" in chinese.err
    for word in case.says:
        assert " " in word or word in chinese.err


@named([case for case in IN_THE_WORKER if case.real])
def test_a_failure_in_a_worker_of_its_own(case: Case, place: Place) -> None:
    is_a_failed_run(spawn(*case.arrange(place), "--json"), case, place)


def is_a_failed_run(ended: Ended, case: Case, place: Place) -> None:
    """It is told, it is in the run's events, and there is no output."""
    is_told(ended, case)
    run = list_runs()[0]
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert failed.hint
    assert ended.json()["state"] == "failed"
    assert ended.json()["error"] == {"kind": failed.error, "message": failed.message, "hint": failed.hint}
    assert not run.log_path.exists() or "Traceback" not in run.log_path.read_text()
    assert not list((place.folder / "out").iterdir())


# Checkpoints to go on from.


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_folder: Path) -> Path:
    """A whole checkpoint folder as far as `resumable` looks."""
    folder = tmp_path / "out" / "checkpoint-4"
    shutil.copytree(tiny_folder, folder)
    (folder / "trainer_state.json").write_text("{}")
    (folder / "optimizer.pt").write_bytes(b"state")
    return folder


def test_a_whole_checkpoint_can_be_gone_on_from(checkpoint: Path) -> None:
    assert resumable(checkpoint) == checkpoint
    assert latest(checkpoint.parent) == checkpoint


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (shutil.rmtree, "training.no_checkpoint"),
        (lambda folder: cut(folder / "model.safetensors"), "training.broken_checkpoint"),
        (lambda folder: (folder / "model.safetensors").unlink(), "training.broken_checkpoint"),
        (lambda folder: (folder / "trainer_state.json").unlink(), "training.broken_checkpoint"),
        (lambda folder: (folder / "optimizer.pt").unlink(), "training.model_only_checkpoint"),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from(
    checkpoint: Path, spoil: Callable[[Path], object], key: str
) -> None:
    spoil(checkpoint)
    with pytest.raises(TrainingError) as caught:
        resumable(checkpoint)
    assert caught.value.key == key
    assert str(checkpoint) in caught.value.message
    assert caught.value.hint


def test_the_newest_whole_checkpoint_is_taken(checkpoint: Path) -> None:
    newer = Path(shutil.copytree(checkpoint, checkpoint.parent / "checkpoint-10"))
    assert latest(checkpoint.parent) == newer
    cut(newer / "model.safetensors")
    assert latest(checkpoint.parent) == checkpoint
