"""How weights are quantised on which device, and what is said where that can't be."""

from __future__ import annotations

from importlib import util

import pytest

from conch.config.quantization import QuantizationConfig
from conch.core.errors import TrainingError
from conch.models.hardware import Device
from conch.models.quantization import choose_quantization

CPU, GPU, APPLE = Device("cpu", False, ""), Device("cuda", True, ""), Device("mps", False, "")


def asked(bits: int | None = 8, method: str | None = None) -> QuantizationConfig:
    return QuantizationConfig(quantization_bit=bits, quantization_method=method)


@pytest.fixture(params=[True, False])
def bitsandbytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    there: bool = request.param
    found = util.find_spec("sys") if there else None
    monkeypatch.setattr("conch.models.quantization.find_spec", lambda name: found)
    return there


@pytest.mark.parametrize("device", [CPU, GPU, APPLE])
def test_nothing_asked_nothing_done(device: Device) -> None:
    assert choose_quantization(device, asked(None)) is None


@pytest.mark.parametrize("method", [None, "int8"])
def test_a_cpu_takes_int8(method: str | None) -> None:
    assert choose_quantization(CPU, asked(8, method)) == "int8"


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("method", [None, "bnb"])
def test_a_gpu_takes_bitsandbytes(bits: int, method: str | None, bitsandbytes: bool) -> None:
    if bitsandbytes:
        assert choose_quantization(GPU, asked(bits, method)) == "bnb"
    else:
        with pytest.raises(TrainingError, match="not installed") as error:
            choose_quantization(GPU, asked(bits, method))
        assert error.value.hint == "pip install bitsandbytes"


@pytest.mark.parametrize(
    ("device", "bits", "method", "said"),
    [
        (GPU, 8, "int8", "for CPUs"),
        (CPU, 4, None, "CUDA GPU"),
        (CPU, 8, "bnb", "CUDA GPU"),
        (APPLE, 8, "int8", "CUDA GPU"),
    ],
)
def test_what_a_device_can_not_do_is_said(device: Device, bits: int, method: str | None, said: str) -> None:
    with pytest.raises(TrainingError, match=said) as error:
        choose_quantization(device, asked(bits, method))
    assert error.value.hint
