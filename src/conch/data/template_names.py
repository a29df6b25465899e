"""Chat templates by short names, for models that have none, and the names that LLaMA-Factory gave them.

Each template that is kept is a small Jinja file under `templates/`. It names its end-of-turn
token once, in the line that sets `end`. A name of LLaMA-Factory stands for the family that its
models belong to; names whose families are not kept here are known all the same, since a
model's own template is used where it has one.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from conch.core.errors import ModelError
from conch.core.files import expanded

FOLDER = Path(__file__).parent / "templates"
SUFFIXES = (".jinja", ".jinja2", ".j2", ".txt")
_END = re.compile(r"\{%- set end = '([^']+)' -%\}")

_FAMILIES: dict[str, str] = {
    "alpaca": "",
    "baichuan2": "",
    "chatml": "chatml_de cpm3 cpm4 dbrx falcon_h1 intern2 intern_s1 intern_vl internlm2 llava_next_video_yi "
    "llava_next_yi marco minicpm_o minicpm_v opencoder smollm smollm2 yi",
    "cohere": "",
    "deepseek": "",
    "deepseek-coder": "deepseekcoder",
    "deepseek-r1": "deepseekr1",
    "deepseek3": "",
    "empty": "fewshot",
    "ernie": "ernie_nothink ernie_vl",
    "exaone": "",
    "gemma": "gemma2 gemma3 gemma3n paligemma_chat",
    "glm4": "chatglm3 codegeex4 glm4_5v glm4_moe glm4v glm4v_moe glmz1",
    "granite": "granite3 granite4",
    "hunyuan": "hunyuan_small",
    "kimi": "kimi_vl moonlight",
    "ling": "bailing bailing_v2",
    "llama2": "llama2_zh",
    "llama3": "llava_next_llama3 mllama skywork_o1",
    "llama4": "",
    "mistral": "breeze llava_next_mistral llava_next_video_mistral ministral ministral3 mistral_small "
    "pixtral",
    "openchat": "",
    "openchat-3.6": "",
    "phi3": "phi phi_small starchat",
    "phi4": "",
    "plain": "default",
    "qwen": "llava_next_qwen qwen2 qwen2.5 qwen2_audio qwen2_omni qwen2_vl",
    "qwen3": "keye_vl mimo mimo_v2 mimo_vl qwen3_nothink qwen3_omni qwen3_omni_nothink qwen3_vl "
    "qwen3_vl_nothink",
    "seed": "seed_coder seed_oss",
    "solar": "",
    "telechat": "telechat2",
    "vicuna": "llava llava_next llava_next_video video_llava",
    "xverse": "",
    "zephyr": "olmo",
}
"""Family, which is the name of its file, to the other names that stand for it."""
_NOT_KEPT = (
    "aquila atom baichuan belle bluelm chatglm2 codegeex2 cpm dots_ocr falcon gpt_oss granite3_vision index "
    "intern keye minimax1 minimax2 orion paligemma phi4_mini sailor xuanyuan yayi yi_vl yuan ziya"
)
FAMILY_OF: dict[str, str | None] = {
    **{name: family for family, names in _FAMILIES.items() for name in (family, *names.split())},
    **dict.fromkeys(_NOT_KEPT.split()),
}
"""Every known name to its family; None where no template is kept for it."""


def kept() -> list[str]:
    """The names of the templates that are kept."""
    return list(_FAMILIES)


def is_file(name: str) -> bool:
    """Whether `name` is meant as the path of a Jinja file."""
    return name.endswith(SUFFIXES) or "/" in name


def family_of(name: str) -> str | None:
    """The family of a name, or None where none is kept. Raises ModelError for an unknown name."""
    if name in FAMILY_OF:
        return FAMILY_OF[name]
    close = difflib.get_close_matches(name.lower(), FAMILY_OF, n=1, cutoff=0.7)
    if close:
        raise ModelError("template.misspelt", name=name, close=close[0])
    raise ModelError("template.unknown", name=name, known=", ".join(kept()))


def file_of(family: str) -> Path:
    return FOLDER / f"{family}.jinja"


def read_file(path: Path) -> str:
    """The text of a template file. Raises ModelError."""
    try:
        return expanded(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("models.template_file", file=path) from error


def end_of(source: str) -> str | None:
    """The end-of-turn token that a kept template names; None where the end of text ends a turn."""
    match = _END.search(source)
    return match[1] if match else None


def ended_by_eos(source: str) -> str:
    """A kept template with the end of text in place of its own end-of-turn token."""
    return _END.sub("{%- set end = eos_token -%}", source)
