"""Which number format is chosen: as asked, else what the machine multiplies fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.optimisation import PrecisionConfig
from conch.core.text import set_language
from conch.models.hardware import Device, choose_precision, cpu_device, cpu_flags, fast_dtype

X86 = """processor	: 0
vendor_id	: GenuineIntel
model name	: A processor: with a colon
flags		: fpu sse avx2 {more}

processor	: 1
flags		: fpu other
"""
ARM = """processor	: 0
BogoMIPS	: 50.00
Features	: fp asimd {more}
CPU architecture: 8
"""


@pytest.mark.parametrize(
    ("cpuinfo", "more", "fast"),
    [
        (X86, "amx_bf16", True),
        (X86, "avx512_bf16", True),
        (X86, "avx512f avx512vl", False),
        (X86, "", False),
        (ARM, "bf16 i8mm", True),
        (ARM, "asimdhp", False),
    ],
)
def test_a_cpu_is_known_by_its_flags(cpuinfo: str, more: str, fast: bool, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(cpuinfo.format(more=more))
    flags = cpu_flags(file)
    assert set(more.split()) < flags
    assert "other" not in flags
    device = cpu_device(flags)
    assert (device.kind, device.bf16) == ("cpu", fast)
    assert not fast or more.split()[0] in device.why


@pytest.mark.parametrize("content", [None, "", "nothing of use", "flags\n"])
def test_a_system_that_tells_nothing(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    if content is not None:
        file.write_text(content)
    assert cpu_flags(file) == frozenset()
    assert not cpu_device(frozenset()).bf16


SLOW, FAST = Device("cpu", False, "why slow"), Device("cpu", True, "why fast")
GPU, OLD_GPU, APPLE = Device("cuda", True, "A100"), Device("cuda", False, "T4"), Device("mps", False, "MPS")

TABLE: list[tuple[Device, dict[str, bool], str]] = [
    (FAST, {}, "bfloat16"),
    (SLOW, {}, "float32"),
    (GPU, {}, "bfloat16"),
    (OLD_GPU, {}, "float16"),
    (APPLE, {}, "float32"),
    *((device, {"bf16": True}, "bfloat16") for device in (FAST, SLOW, GPU, OLD_GPU, APPLE)),
    *((device, {"fp16": True}, "float16") for device in (FAST, SLOW, GPU, OLD_GPU, APPLE)),
    *((device, {"pure_bf16": True}, "bfloat16") for device in (FAST, SLOW, GPU)),
    *((device, {"bf16": False, "fp16": False}, "float32") for device in (FAST, SLOW, GPU, OLD_GPU, APPLE)),
    (FAST, {"bf16": False}, "float32"),
    (SLOW, {"bf16": False}, "float32"),
    *((device, {"bf16": False}, "float32") for device in (GPU, OLD_GPU, APPLE)),
    *((device, {"bf16": False, "fp16": True}, "float16") for device in (GPU, OLD_GPU)),
    (FAST, {"fp16": False}, "bfloat16"),
    (SLOW, {"fp16": False}, "float32"),
    (GPU, {"fp16": False}, "bfloat16"),
    (OLD_GPU, {"fp16": False}, "float32"),
]


@pytest.mark.parametrize(("device", "asked", "dtype"), TABLE, ids=str)
def test_the_format_chosen(device: Device, asked: dict[str, bool], dtype: str) -> None:
    chosen = choose_precision(device, PrecisionConfig(**asked))
    assert chosen.dtype == dtype
    assert chosen.mixed == (dtype != "float32")
    assert chosen.reason


@pytest.mark.parametrize("device", [FAST, SLOW, GPU, OLD_GPU, APPLE], ids=str)
def test_the_reason_is_the_machine_unless_it_was_asked_for(device: Device) -> None:
    assert choose_precision(device, PrecisionConfig()).reason == device.why
    for language, word in (("en", "asked for by bf16"), ("zh", "按 bf16 的设置")):
        set_language(language)
        assert choose_precision(device, PrecisionConfig(bf16=True)).reason == word


@pytest.mark.parametrize(
    ("stored", "device", "dtype"),
    [
        ("float32", SLOW, "float32"),
        ("bfloat16", SLOW, "float32"),
        ("bfloat16", FAST, "bfloat16"),
        ("float16", FAST, "float32"),
        ("float16", GPU, "float16"),
        ("bfloat16", OLD_GPU, "bfloat16"),
    ],
)
def test_the_format_to_run_a_stored_model_in(stored: str, device: Device, dtype: str) -> None:
    assert fast_dtype(stored, device) == dtype


@pytest.mark.parametrize(
    ("device", "asked", "told"),
    [
        (SLOW, {"bf16": True}, ["training.slow_bf16"]),
        (SLOW, {"pure_bf16": True}, ["training.slow_bf16"]),
        (FAST, {"bf16": True}, []),
        (OLD_GPU, {"bf16": True}, []),
        (SLOW, {}, []),
        (SLOW, {"enable_liger_kernel": True}, ["training.no_liger"]),
        (APPLE, {"enable_liger_kernel": True}, ["training.no_liger"]),
        (GPU, {"enable_liger_kernel": True}, []),
    ],
)
def test_what_does_not_pay_here_is_told(device: Device, asked: dict[str, bool], told: list[str]) -> None:
    notices = choose_precision(device, PrecisionConfig(**asked)).notices
    assert [notice.key for notice in notices] == told
    assert all(notice.message for notice in notices)
