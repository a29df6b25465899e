"""The only reader of environment variables. Everything else is told."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from conch.core.files import expanded


def home() -> Path:
    """Where models, datasets and runs are kept: `CONCH_HOME`, else `~/.conch`."""
    given = os.environ.get("CONCH_HOME")
    return expanded(given).absolute() if given else Path.home() / ".conch"


def api_key() -> str | None:
    """The key of the HTTP API: `CONCH_API_KEY`, unseen by other users of the machine."""
    return os.environ.get("CONCH_API_KEY") or None


def vllm_key() -> str | None:
    """The key of the vLLM server that `--vllm-url` names: `CONCH_VLLM_KEY`."""
    return os.environ.get("CONCH_VLLM_KEY") or None


def upstream_key() -> str | None:
    """The key of the servers behind a gateway: `CONCH_UPSTREAM_KEY`."""
    return os.environ.get("CONCH_UPSTREAM_KEY") or None


def judge_key() -> str | None:
    """The key of the model that judges answers: `CONCH_JUDGE_KEY`, else what OpenAI's own client reads."""
    return os.environ.get("CONCH_JUDGE_KEY") or os.environ.get("OPENAI_API_KEY") or None


def language() -> str:
    """`zh` or `en`: `CONCH_LANG`, else what the locale says."""
    chosen = os.environ.get("CONCH_LANG") or next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    return "zh" if chosen.lower().startswith("zh") else "en"


def hub_cache() -> Path:
    """Hugging Face's standard cache of models, by the rules of its own client library."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return expanded(given)
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return expanded(os.environ.get("HF_HOME", f"{cache}/huggingface")) / "hub"


def hub_endpoint() -> str | None:
    """The Hugging Face hub or mirror that the user named by the client library's own variable."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def modelscope_cache() -> Path:
    """ModelScope's standard cache, by the rules of its own client library."""
    given = os.environ.get("MODELSCOPE_CACHE")
    return expanded(given) if given else Path.home() / ".cache" / "modelscope"


def modelscope_endpoint() -> str:
    """Where ModelScope is, by its client library's own variable."""
    return os.environ.get("MODELSCOPE_ENDPOINT", "").rstrip("/") or "https://www.modelscope.cn"


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment for a child, with `changes` on top."""
    return {**os.environ, **changes}


def foreign_environment() -> dict[str, str]:
    """This process's environment for a program of another Python: without what names ours."""
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def offline() -> bool:
    """Whether the user forbade the network, by the hub client's own variables."""
    given = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return given.lower() in {"1", "true", "yes", "on"}


def one_of_several() -> bool:
    """Whether this is one of several processes that train together, by the variable of torch's launcher."""
    return os.environ.get("WORLD_SIZE", "1") != "1"


def visible_gpus() -> list[str] | None:
    """The GPUs that `CUDA_VISIBLE_DEVICES` names; None where it is not set."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return None
    names = [name.strip() for name in given.split(",")]
    return [] if names[0] == "-1" else [name for name in names if name]


def show_only_gpu(name: str) -> None:
    """Let CUDA see one GPU from now on. Call before importing torch."""
    os.environ["CUDA_VISIBLE_DEVICES"] = name


def quiet_libraries() -> None:
    """Keep the progress bars and advice of libraries out of our output. Call before importing them."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    # what one library says of another's next version is no news to a user
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft|accelerate)\b")


def set_up_gradio(uploads: Path) -> None:
    """Where Gradio puts what browsers send, and how it speaks to them. Call before importing it."""
    os.environ.setdefault("GRADIO_TEMP_DIR", str(uploads))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # seconds between signs of life: proxies cut streams on which nothing comes
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")


def tensor_malloc() -> dict[str, str]:
    """What to set for a process that holds large tensors, before it starts.

    glibc's caches of scraps are off. Tensors are aligned, and what aligning cuts off around each lands in
    those caches. There it keeps the freed tensor from growing together with its neighbours, so that no
    other fits in its place. A step of a 135M model in fp32 took 3.7 GB at most with the caches and 3.0 GB
    without, in the same time.

    And freed memory stays with the process instead of going back to the system after each tensor: to be
    handed it anew, page by page, took 3 % of such a step.
    """
    given = os.environ.get("GLIBC_TUNABLES", "")
    wanted = [f"glibc.malloc.{name}={value}" for name, value in TENSOR_MALLOC.items() if name not in given]
    return {"GLIBC_TUNABLES": ":".join(filter(None, [given, *wanted]))}


TENSOR_MALLOC = {"tcache_count": 0, "mxfast": 0, "mmap_threshold": 1 << 33, "trim_threshold": 1 << 33}


def kernel_limit() -> str:
    """The instructions that the CPU's kernel library was bound to, by its own variable; empty: to none."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "")


def bound_kernel_caches() -> None:
    """Bound what the CPU's kernel library keeps of each shape it has met. Call before importing torch.

    oneDNN compiles a kernel for each shape and keeps 1024 of them, and torch's bridge to it as many
    again: with ever other lengths that grew by a gigabyte (bf16). A step needs a few dozen.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    os.environ.setdefault("LRU_CACHE_CAPACITY", "128")
