"""llama.cpp reads text as the tokens that transformers reads, prompts as the template writes them,
and stops where the model's own files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from conch.core.conversation import Message
from conch.core.errors import ExportError
from conch.data.template import ChatTemplate
from conch.exporting.llamacpp import LlamaCpp
from conch.models.gguf import write_model
from tests.models.gguf.tokenizers import GPT4O, LLAMA3, MORE, QWEN2, TEKKEN, by_bytes, by_characters
from tests.tiny import CHATML, CORPUS, save_tiny, tiny_model

TOKENIZERS = {
    "gpt-2": lambda: by_bytes(None),
    "smollm": lambda: by_bytes(None, digits=True),
    "llama-bpe": lambda: by_bytes(LLAMA3),
    "qwen2": lambda: by_bytes(QWEN2),
    "tekken": lambda: by_bytes(TEKKEN),
    "gpt-4o": lambda: by_bytes(GPT4O),
    "sentencepiece": lambda: by_characters(True),
    "sentencepiece, no space in front": lambda: by_characters(False),
}
TEXTS = [
    *CORPUS,
    *MORE,
    "<|im_start|>user\n 你好 <|im_end|>\n<|im_start|>assistant\n",
    "龘靐 ok",
    "a",
    " a",
    "\n",
]


def folder_with(tokenizer: Any, folder: Path, template: str | None = CHATML, **changes: Any) -> Path:
    model = tiny_model(vocab_size=len(tokenizer) + 5, **changes)
    model.save_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder


def facts(file: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    fields = GGUFReader(file).fields
    return {name: field.contents() for name, field in fields.items() if name.startswith("tokenizer.ggml")}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_text_is_read_as_the_same_tokens(tmp_path: Path, name: str) -> None:
    folder = folder_with(TOKENIZERS[name](), tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    write_model(folder, tmp_path / "model.gguf", "f32")
    assert facts(tmp_path / "model.gguf")["tokenizer.ggml.pre"] == (
        name if "piece" not in name else "default"
    )
    with LlamaCpp(tmp_path / "model.gguf", threads=1) as reader:
        for text in TEXTS:
            if name == "sentencepiece" and "<|" in text:
                continue  # whether a space follows a special token is the tokenizers' own dispute
            assert reader.tokens(text) == tokenizer.encode(text, add_special_tokens=False), text
            assert reader.tokens(text, begin=True) == tokenizer.encode(text), text


@pytest.mark.parametrize("name", ["llama-bpe", "qwen2", "sentencepiece, no space in front"])
def test_a_chat_is_rendered_as_the_same_prompt(tmp_path: Path, name: str) -> None:
    folder = folder_with(TOKENIZERS[name](), tmp_path / "model")
    template = ChatTemplate.of(AutoTokenizer.from_pretrained(folder))
    write_model(folder, tmp_path / "model.gguf", "f32")
    said = [("system", "Be brief."), ("user", "Who are you?"), ("assistant", "I am 海螺."), ("user", "你好")]
    with LlamaCpp(tmp_path / "model.gguf", threads=1) as reader:
        prompt = reader.rendered([{"role": role, "content": content} for role, content in said])
        assert reader.tokens(prompt) == template.prompt_ids([Message(role, text) for role, text in said])


def test_stop_tokens_of_template_tokenizer_and_generation_config(tmp_path: Path) -> None:
    tokenizer = by_bytes(None)
    folder = folder_with(tokenizer, tmp_path / "model")
    ids = tokenizer.convert_tokens_to_ids
    own = {"eos_token_id": [ids("</s>"), ids("<|endoftext|>"), ids("<unk>")]}
    (folder / "generation_config.json").write_text(json.dumps(own))
    written = write_model(folder, tmp_path / "model.gguf", "f32")
    found = facts(written.file)
    assert found["tokenizer.ggml.eos_token_id"] == ids("</s>")
    assert found["tokenizer.ggml.eot_token_id"] == ids("<|im_end|>")
    assert found["tokenizer.ggml.eom_token_id"] == ids("<|endoftext|>")
    assert "<unk>" in written.notices[0].message


def test_an_answer_ends_at_the_end_of_turn(tmp_path: Path) -> None:
    """The head is made to say the end-of-turn token, which is not the tokenizer's end of text."""
    import torch
    from safetensors.torch import load_file, save_file

    tokenizer = by_bytes(None)
    folder = folder_with(tokenizer, tmp_path / "model", tie_word_embeddings=False)
    tensors = load_file(folder / "model.safetensors")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    tensors["model.norm.weight"] = torch.ones_like(tensors["model.norm.weight"])
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"] * 0 + 1.0
    tensors["lm_head.weight"][:] = 0.0
    tensors["lm_head.weight"][end] = 5.0
    for name in tensors:
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensors[name].zero_()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_model(folder, tmp_path / "model.gguf", "f32")
    with LlamaCpp(tmp_path / "model.gguf", threads=1) as reader:
        assert reader.greedy(tokenizer.encode("Who"), 8) == ([], True)


def test_the_template_that_was_asked_for_is_written(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model", template=None)
    write_model(folder, tmp_path / "plain.gguf", "f32")
    write_model(folder, tmp_path / "chat.gguf", "f32", template="chatml")
    from gguf import GGUFReader

    assert "tokenizer.chat_template" not in GGUFReader(tmp_path / "plain.gguf").fields
    with LlamaCpp(tmp_path / "chat.gguf", threads=1) as reader:
        assert reader.rendered([{"role": "user", "content": "Hi"}]).endswith(
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        )


def test_rows_without_a_token_are_filled(tmp_path: Path) -> None:
    tokenizer = by_bytes(None)
    folder, count = folder_with(tokenizer, tmp_path / "model"), len(tokenizer)
    write_model(folder, tmp_path / "model.gguf", "f32")
    found = facts(tmp_path / "model.gguf")
    assert found["tokenizer.ggml.tokens"][-5:] == [f"[PAD{n}]" for n in range(count, count + 5)]
    assert found["tokenizer.ggml.token_type"][-5:] == [5] * 5


def test_an_unknown_way_to_cut_text_is_refused(tmp_path: Path) -> None:
    folder = folder_with(by_bytes(r"\p{L}+|\p{N}{1,4}|\s+|[^\s\p{L}\p{N}]+"), tmp_path / "model")
    with pytest.raises(ExportError, match="cuts text"):
        write_model(folder, tmp_path / "model.gguf", "f32")
    assert not list(tmp_path.glob("*.gguf"))
    assert not list(tmp_path.glob(".conch-tmp-*"))


@pytest.mark.parametrize("called", ["phi-3-mine", "my-phi3"])
def test_a_name_does_not_make_llama_cpp_fail(tmp_path: Path, called: str) -> None:
    folder = save_tiny(tmp_path / called)
    write_model(folder, tmp_path / "model.gguf", "f32")
    LlamaCpp(tmp_path / "model.gguf", threads=1).close()


def test_space_behind_special_tokens_is_swallowed_as_in_phi_3(tmp_path: Path) -> None:
    tokenizer = by_characters(True)
    core = json.loads(tokenizer.backend_tokenizer.to_str())
    for token in core["added_tokens"]:
        token["rstrip"] = token["content"] in {"<|im_start|>", "<|im_end|>"}
    folder = folder_with(tokenizer, tmp_path / "mine")
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(core), encoding="utf-8")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("added_tokens_decoder", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    write_model(folder, tmp_path / "model.gguf", "f32")
    own = AutoTokenizer.from_pretrained(folder)
    text = "<|im_start|>\nuser\nHi<|im_end|>\n<|im_start|>"
    with LlamaCpp(tmp_path / "model.gguf", threads=1) as reader:
        read = reader.tokens(text)
    assert own.convert_ids_to_tokens(read[-2:]) == ["<|im_end|>", "<|im_start|>"]
    assert own.decode(read) == own.decode(own.encode(text, add_special_tokens=False))
