"""A tokenizer → what llama.cpp needs to read and write the same tokens, and to stop at the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError, ModelError
from conch.core.notice import Notice

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"

_WORDS = r"[^\r\n\p{L}\p{N}]?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CLITICS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LINES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_SIGNS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
_SIGNS_SLASH = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"


def _cased(clitics: str) -> str:
    return f"{_WORDS}{_UPPER}*{_LOWER}+{clitics}|{_WORDS}{_UPPER}+{_LOWER}*{clitics}"


_LLAMA3 = rf"{_CLITICS}|{_WORDS}\p{{L}}+|\p{{N}}{{1,3}}{_SIGNS}{_LINES}"
_QWEN2 = rf"{_CLITICS}|{_WORDS}\p{{L}}+|\p{{N}}{_SIGNS}{_LINES}"
_GPT4O = rf"{_cased(_CLITICS + '?')}|\p{{N}}{{1,3}}{_SIGNS_SLASH}{_LINES}"
_TEKKEN = rf"{_cased('')}|\p{{N}}{_SIGNS_SLASH}{_LINES}"
_GPT2, _DIGITS = "gpt-2's own", "single digits"
PRE_TOKENIZERS = {
    (_GPT2,): "gpt-2",
    (_DIGITS, _GPT2): "smollm",
    (_LLAMA3,): "llama-bpe",
    (_QWEN2,): "qwen2",
    (_GPT4O,): "gpt-4o",
    (_TEKKEN,): "tekken",
}
"""How text is cut before it is read → llama.cpp's name for it."""

PHI3_TOKENS = {"<s>", "</s>", "<unk>", "<|endoftext|>"}


@dataclass(frozen=True)
class Stops:
    """The tokens that end an answer, in the places that GGUF has for them."""

    eos: int
    eot: int | None
    eom: int | None
    left: tuple[int, ...] = ()
    """Those that found no place."""


@dataclass(frozen=True)
class Vocabulary:
    tokenizer: Any
    template: str | None
    stops: Stops
    core: dict[str, Any]
    """The tokenizer as its JSON file describes it."""

    @staticmethod
    def of(folder: Path, template: str | None, model: Path) -> Vocabulary:
        """The tokenizer in `folder`, with the chat template called `template`, or its own.

        The folder `model` has the generation config.
        """
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            core = json.loads(tokenizer.backend_tokenizer.to_str())
        except Exception as error:  # the library raises all kinds; a slow tokenizer has no core
            raise ModelError("models.no_tokenizer", folder=folder) from error
        source, end = _template(tokenizer, template)
        return Vocabulary(tokenizer, source, _stops(tokenizer, end, model), core)

    @property
    def by_bytes(self) -> bool:
        """Whether text is read as bytes (as GPT-2 does), not as characters (as SentencePiece does)."""
        return any(step.get("type") == "ByteLevel" for step in _steps(self.core.get("pre_tokenizer")))

    def notices(self) -> tuple[Notice, ...]:
        if not self.stops.left:
            return ()
        names = ", ".join(str(self.tokenizer.convert_ids_to_tokens(token)) for token in self.stops.left)
        return (Notice("gguf.stops", {"tokens": names}),)

    def write(self, writer: Any, rows: int) -> None:
        """Write tokens, rules and template. The list is as long as the embeddings: `rows`."""
        model = self.core["model"]
        if model["type"] != "BPE":
            raise ExportError("gguf.tokenizer", kind=model["type"])
        texts, types = self._tokens(rows)
        if self.by_bytes:
            writer.add_tokenizer_model("gpt2")
            writer.add_tokenizer_pre(self._pre())
            writer.add_token_merges([_merge(pair) for pair in model["merges"]])
        else:
            writer.add_tokenizer_model("llama")
            writer.add_tokenizer_pre("default")
            writer.add_token_scores(self._scores(texts))
            writer.add_add_space_prefix(self._begins_with_space())
        writer.add_token_list([text.encode() for text in texts])
        writer.add_token_types(types)
        self._write_special(writer)
        if self.template:
            writer.add_chat_template(self.template)

    def _tokens(self, rows: int) -> tuple[list[str], list[int]]:
        texts = [f"[PAD{number}]" for number in range(rows)]
        types = [UNUSED] * rows
        for text, token in self.core["model"]["vocab"].items():
            if token < rows:
                texts[token], types[token] = text, self._type(text)
        for added in self.core["added_tokens"]:
            token = added["id"]
            if token < rows:
                special = added["special"]
                types[token] = CONTROL if special else USER_DEFINED
                text = added["content"]
                texts[token] = text if special or self.by_bytes else text.replace(SPACE, " ")
        unknown = self.core["model"].get("unk_token")
        if not self.by_bytes and unknown in self.core["model"]["vocab"]:
            types[self.core["model"]["vocab"][unknown]] = UNKNOWN
        return texts, types

    def _type(self, text: str) -> int:
        is_byte = len(text) == 6 and text.startswith("<0x") and text.endswith(">")
        return BYTE if is_byte and not self.by_bytes else NORMAL

    def _pre(self) -> str:
        cuts = tuple(_cuts(self.core["pre_tokenizer"]))
        name = PRE_TOKENIZERS.get(cuts)
        if name is None:
            raise ExportError("gguf.pre_tokenizer", pattern=" ".join(cuts)[:200])
        return name

    def _scores(self, texts: Sequence[str]) -> list[float]:
        """llama.cpp joins the pair whose token scores highest: the earliest merge."""
        ranks: dict[str, int] = {}
        for rank, pair in enumerate(self.core["model"]["merges"]):
            ranks.setdefault("".join(pair if isinstance(pair, list) else pair.split(" ")), rank)
        lowest = len(ranks) + 1
        return [-float(ranks.get(text, lowest)) for text in texts]

    def _begins_with_space(self) -> bool:
        """Whether a space is put in front of a text."""
        steps = [*_steps(self.core.get("normalizer")), *_steps(self.core.get("pre_tokenizer"))]
        return any(
            step["type"] == "Prepend"
            or (step["type"] == "Metaspace" and step.get("prepend_scheme") != "never")
            for step in steps
        )

    def _write_special(self, writer: Any) -> None:
        tokenizer, stops = self.tokenizer, self.stops
        begins = list(tokenizer.encode("a"))[:1]
        writer.add_add_bos_token(tokenizer.bos_token_id is not None and begins == [tokenizer.bos_token_id])
        writer.add_add_eos_token(False)
        writer.add_eos_token_id(stops.eos)
        places = {
            writer.add_bos_token_id: tokenizer.bos_token_id,
            writer.add_unk_token_id: tokenizer.unk_token_id,
            writer.add_pad_token_id: tokenizer.pad_token_id,
            writer.add_eot_token_id: stops.eot,
            writer.add_eom_token_id: stops.eom,
        }
        for add, token in places.items():
            if token is not None:
                add(int(token))

    def strips_like_phi3(self) -> bool:
        """Whether special tokens swallow the white space behind them, with the exceptions that Phi-3 has."""
        added = {token["content"] for token in self.core["added_tokens"]}
        stripping = any(token["rstrip"] for token in self.core["added_tokens"] if token["special"])
        return stripping and added >= PHI3_TOKENS


def _template(tokenizer: Any, given: str | None) -> tuple[str | None, int | None]:
    """The Jinja text and the end-of-turn token; neither where the model has no template."""
    from conch.data.template import ChatTemplate

    if not given and not tokenizer.chat_template:
        return None, None
    template = ChatTemplate.of(tokenizer, given)
    return template.kept_source(), template.end_of_turn


def _stops(tokenizer: Any, end: int | None, folder: Path) -> Stops:
    own = _generation_stops(folder)
    eos = tokenizer.eos_token_id
    wanted = [token for token in (eos, end, *own) if token is not None]
    if not wanted:
        raise ModelError("models.no_end_of_turn")
    first, *others = dict.fromkeys(int(token) for token in wanted)
    more: list[int | None] = [*others, None, None]
    return Stops(first, more[0], more[1], tuple(others[2:]))


def _generation_stops(folder: Path) -> list[int]:
    file = folder / "generation_config.json"
    if not file.is_file():
        return []
    try:
        own = json.loads(file.read_text(encoding="utf-8")).get("eos_token_id")
    except (ValueError, AttributeError) as error:
        raise ModelError("models.bad_config", file=file, reason=error) from error
    return [own] if isinstance(own, int) else list(own or [])


def _steps(spec: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The steps of a normalizer or pre-tokenizer, whether it is one or a sequence."""
    if spec is None:
        return
    inner = spec.get("pretokenizers") or spec.get("normalizers")
    if inner is None:
        yield spec
        return
    for step in inner:
        yield from _steps(step)


def _cuts(spec: dict[str, Any] | None) -> Iterator[str]:
    for step in _steps(spec):
        if step["type"] == "Split":
            pattern = step["pattern"]
            yield str(pattern.get("Regex") or pattern.get("String"))
        elif step["type"] == "Digits":
            yield _DIGITS if step["individual_digits"] else "digits"
        elif step["type"] == "ByteLevel":
            if step.get("use_regex", True):
                yield _GPT2
        else:
            yield str(step["type"])


def _merge(pair: str | list[str]) -> str:
    return pair if isinstance(pair, str) else " ".join(pair)
