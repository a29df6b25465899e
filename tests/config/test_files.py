"""Config files and command lines: YAML, JSON, overrides, and where each value came from."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conch.config import Loaded, load_train
from conch.core.errors import ConchError, ConfigErrors, UsageError

NEEDED = "model_name_or_path: m\ndataset: d\n"
FLOATS = ["1e-4", "1.0e-4", "0.0001", "1E-4", "'1e-4'", "+1e-4", "1_0e-5", ".0001"]


def load_text(tmp_path: Path, text: str | bytes, name: str = "config.yaml") -> Loaded:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_train(file)


@pytest.mark.parametrize("written", FLOATS)
def test_a_number_is_the_same_however_it_is_written(tmp_path: Path, written: str) -> None:
    from_file = load_text(tmp_path, f"{NEEDED}learning_rate: {written}\n").config
    from_words = load_train(tmp_path / "config.yaml", [f"learning_rate={written.strip(chr(39))}"]).config
    assert from_file.optimisation.learning_rate == from_words.optimisation.learning_rate == 1e-4


@pytest.mark.parametrize("written", ["1e3", "1000", "1000.0", "'1000'", "1_000", "+1000", "01000", "1.0e+3"])
def test_a_whole_number_is_the_same_however_it_is_written(tmp_path: Path, written: str) -> None:
    config = load_text(tmp_path, f"{NEEDED}cutoff_len: {written}\n").config
    assert config.data.cutoff_len == 1000
    assert type(config.data.cutoff_len) is int


@pytest.mark.parametrize(
    "written", ["true", "1.5", "abc", "1e-3", "[1]", "{a: 1}", "0", "-1", ".inf", "nan", "1e400"]
)
def test_what_is_no_whole_number_above_0_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigErrors) as error:
        load_text(tmp_path, f"{NEEDED}lora_rank: {written}\n")
    assert [p.key for p in error.value.problems] == ["lora_rank"]


@pytest.mark.parametrize(
    "key", ["learning_rate", "logging_steps", "top_p", "adam_beta1", "lora_dropout", "val_size"]
)
@pytest.mark.parametrize("written", ["true", "abc", ".nan", ".inf", "-.inf", "[1.0]"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, key: str, written: str) -> None:
    with pytest.raises(ConfigErrors) as error:
        load_text(tmp_path, f"{NEEDED}{key}: {written}\n")
    assert [p.key for p in error.value.problems] == [key]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("true", True),
        ("True", True),
        ("yes", True),
        ("on", True),
        ("false", False),
        ("no", False),
        ("off", False),
    ],
)
def test_switches(tmp_path: Path, written: str, expected: bool) -> None:
    config = load_text(tmp_path, f"{NEEDED}bf16: {written}\nresume_from_checkpoint: {written}\n").config
    assert config.precision.bf16 is expected
    assert config.output.resume_from_checkpoint is expected
    words = load_train(tmp_path / "config.yaml", [f"resume_from_checkpoint={written}"]).config
    assert words.output.resume_from_checkpoint is expected


def test_a_switch_or_path_may_be_a_path(tmp_path: Path) -> None:
    config = load_text(tmp_path, f"{NEEDED}resume_from_checkpoint: out/checkpoint-5\n").config
    assert config.output.resume_from_checkpoint == "out/checkpoint-5"


@pytest.mark.parametrize("written", ["no", "'no'", "off"])
def test_never_is_a_word_although_yaml_reads_a_switch(tmp_path: Path, written: str) -> None:
    if written == "off":
        with pytest.raises(ConfigErrors):
            load_text(tmp_path, f"{NEEDED}save_strategy: {written}\n")
    else:
        assert load_text(tmp_path, f"{NEEDED}save_strategy: {written}\n").config.output.save_strategy == "no"


@pytest.mark.parametrize(
    "name", ["007", "1.10", "2024-01-31", "2024-13-45", "1_0", "12:30", "0x_", "1e5", "123", "y"]
)
def test_a_name_stays_as_it_was_written(tmp_path: Path, name: str) -> None:
    config = load_text(tmp_path, f"{NEEDED}run_name: {name}\nmodel_revision: {name}\n").config
    assert (config.output.run_name, config.model.model_revision) == (name, name)
    assert load_train(tmp_path / "config.yaml", [f"run_name={name}"]).config == config


def test_numbers_inside_a_mapping_are_numbers(tmp_path: Path) -> None:
    config = load_text(
        tmp_path,
        f"{NEEDED}lr_scheduler_kwargs: {{min_lr: 1e-5, more: [1e3, x1e3]}}\n"
        "accelerator_config: {a: {b: 2e-1}}\n",
    ).config
    assert config.optimisation.lr_scheduler_kwargs == {"min_lr": 1e-5, "more": [1000.0, "x1e3"]}
    assert config.passthrough["accelerator_config"] == {"a": {"b": 0.2}}


@pytest.mark.parametrize("written", ["a,b", "a, b", "[a, b]", "'a,b,'", "\n  - a\n  - b"])
def test_lists(tmp_path: Path, written: str) -> None:
    text = f"model_name_or_path: m\ndataset: {written}\n"
    assert load_text(tmp_path, text).config.data.dataset == ("a", "b")


def test_a_list_of_one_number(tmp_path: Path) -> None:
    assert load_text(tmp_path, "model_name_or_path: m\ndataset: 7\n").config.data.dataset == ("7",)


@pytest.mark.parametrize("written", ["null", "~", ""])
def test_nothing_means_the_default(tmp_path: Path, written: str) -> None:
    config = load_text(
        tmp_path, f"{NEEDED}lora_rank: {written}\neval_steps: {written}\npacking: {written}\n"
    ).config
    assert config == load_text(tmp_path, NEEDED).config


def test_json_is_read_as_json(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "model_name_or_path": "海螺\U0001f41a",
        "dataset": ["a/b", "c"],
        "learning_rate": 1e-4,
        "bf16": False,
        "lora_rank": 16,
        "lr_scheduler_kwargs": {"min_lr": 1e-6},
        "run_name": None,
    }
    loaded = [
        load_text(tmp_path, json.dumps(values, indent=indent, ensure_ascii=ascii_only), name).config
        for name in ("a.json", "b.yaml")
        for indent in (None, 2, "\t")
        for ascii_only in (True, False)
    ]
    assert all(config == loaded[0] for config in loaded)
    assert loaded[0] == load_train(values=values).config
    assert loaded[0].model.model_name_or_path == "海螺\U0001f41a"


def test_json_values_have_lines(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, '{\n\t"dataset": "d",\n\t"model_name_or_path": "m"\n}', "config.json")
    assert loaded.origins == {"dataset": "config.json line 2", "model_name_or_path": "config.json line 3"}


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    text = "\ufeff" + NEEDED.replace("\n", "\r\n") + "lora_rank: 4\r\n"
    loaded = load_text(tmp_path, text)
    assert loaded.config.lora.lora_rank == 4
    assert loaded.origins["lora_rank"] == "config.yaml line 3"


def test_comments_anchors_and_merges(tmp_path: Path) -> None:
    text = f"# mine\n{NEEDED}val_size: &n 0.5\nwarmup_ratio: *n\n<<: {{lora_rank: 4, dataset: other}}\n"
    config = load_text(tmp_path, text).config
    assert (config.optimisation.warmup_ratio, config.lora.lora_rank, config.data.dataset) == (0.5, 4, ("d",))


# overrides


@pytest.mark.parametrize(
    "words",
    [
        ["lora_rank=16", "bf16=true"],
        ["--lora_rank=16", "--bf16=true"],
        ["--lora_rank", "16", "--bf16", "true"],
        ["--lora-rank", "16", "--bf16"],
        ["--bf16", "--lora_rank", "16"],
        ["lora_rank=4", "--bf16", "lora_rank=16"],
    ],
)
def test_four_forms_of_override(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "config.yaml").write_text(f"{NEEDED}lora_rank: 8\nbf16: false\n")
    if words == ["lora_rank=4", "--bf16", "lora_rank=16"]:
        words[1] = "--bf16=true"
    loaded = load_train(tmp_path / "config.yaml", words)
    assert (loaded.config.lora.lora_rank, loaded.config.precision.bf16) == (16, True)
    assert loaded.origins["lora_rank"] == loaded.origins["bf16"] == "command line"
    assert loaded.origins["dataset"] == "config.yaml line 2"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lr_scheduler_kwargs={min_lr: 1e-5}", {"min_lr": 1e-5}),
        ('lr_scheduler_kwargs={"num_cycles": 2}', {"num_cycles": 2}),
        ("lr_scheduler_kwargs=null", None),
    ],
)
def test_mappings_on_the_command_line(word: str, expected: object) -> None:
    config = load_train(words=["model_name_or_path=m", "dataset=d", word]).config
    assert config.optimisation.lr_scheduler_kwargs == expected


def test_values_keep_equals_signs_minus_signs_and_emptiness() -> None:
    words = [
        "--model_name_or_path",
        "a=b",
        "dataset=./x=y.json",
        "--max_steps",
        "-1",
        "run_name=",
        "num_beams=1",
    ]
    config = load_train(words=words).config
    assert config.model.model_name_or_path == "a=b"
    assert config.data.dataset == ("./x=y.json",)
    assert config.optimisation.max_steps == -1
    assert config.output.run_name == ""


def test_python_beats_words_and_words_beat_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"{NEEDED}lora_rank: 1\nval_size: 0.1\nseed: 1\n")
    loaded = load_train(tmp_path / "config.yaml", ["lora_rank=2", "val_size=0.2"], {"lora_rank": 3})
    config = loaded.config
    assert (config.lora.lora_rank, config.data.val_size, config.optimisation.seed) == (3, 0.2, 1)
    assert loaded.origins["lora_rank"] == "Python call"


@pytest.mark.parametrize("word", ["lora_rank", "16", "-v", ""])
def test_a_word_that_sets_nothing_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as error:
        load_train(words=["dataset=d", word])
    assert error.value.key == "config.not_override"
    assert repr(word) in str(error.value)
    assert error.value.hint


# files that can't be read


@pytest.mark.parametrize(
    ("content", "key", "line"),
    [
        ("", "config.empty_file", None),
        ("# only a comment\n", "config.empty_file", None),
        ("- a\n- b\n", "config.not_mapping", None),
        ("words", "config.not_mapping", None),
        ("3", "config.not_mapping", None),
        ("? [a, b]\n: c\n", "config.not_mapping", None),
        ("a: 1\nb: [1, 2\nc: 3\n", "config.not_yaml", 3),
        ("a: 1\n\tb: 2\n", "config.not_yaml", 2),
        ("a: 1\nb: c: d\n", "config.not_yaml", 2),
        ("a: 1\n---\nb: 2\n", "config.not_yaml", 2),
        ("a: *nowhere\n", "config.not_yaml", 1),
        ("a: &x [*x]\n", "config.not_yaml", 1),
        ("a: !!python/object:os.system x\n", "config.not_yaml", 1),
        ("a: \x01\n", "config.not_yaml", None),
        ("a: " + "[" * 1000, "config.not_yaml", None),
        ("lora_rank: 海螺\n".encode("gbk"), "config.not_utf8", None),
        ("lora_rank: 1\n".encode("utf-16"), "config.not_utf8", None),
    ],
)
def test_a_file_that_is_no_config(tmp_path: Path, content: str | bytes, key: str, line: int | None) -> None:
    with pytest.raises(UsageError) as error:
        load_text(tmp_path, content)
    assert error.value.key == key
    assert "config.yaml" in str(error.value)
    assert error.value.hint
    assert error.value.exit_code == 2
    if line is not None:
        assert error.value.values["line"] == line
    if key == "config.not_yaml":
        assert error.value.values["problem"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path, key in ((tmp_path / "no.yaml", "config.no_file"), (tmp_path, "config.is_folder")):
        with pytest.raises(UsageError) as error:
            load_train(path)
        assert error.value.key == key
        assert str(path) in str(error.value)


def test_a_file_behind_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError) as error:
        load_train(tmp_path / "file" / "config.yaml")
    assert error.value.key == "config.unreadable"


def test_damaged_files_end_in_a_config_or_in_our_error(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = (
        f"{NEEDED}lora_rank: 8\nbf16: true\nlora_target: [q_proj, 'v_proj']\nrun_name: \"海螺\"\n"
        "lr_scheduler_kwargs: {min_lr: 1e-5}\nresume_from_checkpoint: 2024-01-01\n"
    ).encode()
    alphabet = b"{}[]:,'\"\n\t \\&*!|>%@`#-?0123456789abcxyz_~\x00\xff\xe6"
    configs = 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 2)):
            place = chance.randrange(len(data))
            more = bytes(chance.choices(alphabet, k=chance.randint(0, 2)))
            data[place : place + chance.randint(0, 2)] = more
        with suppress(ConchError):
            load_text(tmp_path, bytes(data))
            configs += 1
    assert 10 <= configs <= 90, "both ends are reached"
