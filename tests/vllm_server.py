"""A stand-in for vLLM's server: the part of its protocol that we speak, around a tiny model.

    python -m tests.vllm_server serve FOLDER --host H --port P --served-model-name base …

It computes with a model of `tests/tiny.py` on the CPU, checks what vLLM checks (ranges of penalties,
prompt log-probabilities without streams, adapters' ranks), and refuses fields that it does not know.
`/fake/…` routes say what it was asked and make it misbehave.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from conch.inference.engine import Piece, Sampling
from conch.inference.engine import Request as Asked

KNOWN = {
    *("model", "prompt", "max_tokens", "stream", "stream_options", "temperature", "top_p", "top_k", "min_p"),
    *("repetition_penalty", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "logprobs"),
    *("prompt_logprobs", "stop_token_ids", "ignore_eos", "return_token_ids", "return_tokens_as_token_ids"),
    *("skip_special_tokens", "structured_outputs"),
}
EOS = 2
ROOT = Path(__file__).parents[1]


def install(program: Path) -> None:
    """Put the stand-in where vLLM's own program would be."""
    program.parent.mkdir(parents=True, exist_ok=True)
    lines = ["import sys", f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'src')!r}]"]
    lines += ["from tests.vllm_server import main", "main(sys.argv[1:])"]
    program.write_text(f"#!{sys.executable}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    program.chmod(0o755)


def main(words: list[str]) -> None:
    parser = ArgumentParser()
    parser.add_argument("verb", choices=["serve"])
    parser.add_argument("model")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name")
    parser.add_argument("--tokenizer")
    parser.add_argument("--uvicorn-log-level")
    parser.add_argument("--generation-config", choices=["vllm"], required=True)
    parser.add_argument("--structured-outputs-config", type=json.loads)
    parser.add_argument("--max-model-len", type=int, default=512)
    parser.add_argument("--enable-lora", action="store_true")
    parser.add_argument("--max-lora-rank", type=int, default=16)
    parser.add_argument("--max-loras", type=int, default=1)
    parser.add_argument("--max-cpu-loras", type=int)
    parser.add_argument("--trust-remote-code", action="store_true")
    parser.add_argument("--die-at-once")
    given = parser.parse_args(words)
    if given.die_at_once:
        print("loading weights\nValueError: " + given.die_at_once, file=sys.stderr)
        sys.exit(3)
    print("vllm: engine is ready", flush=True)
    uvicorn.run(app_of(given), host=given.host, port=given.port, log_level="warning", access_log=False)


class Refusal(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Fake:
    """The server's state."""

    def __init__(self, given: Any) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from conch.inference.constraint import Constrainer
        from conch.inference.engines.transformers import TransformersEngine

        self.given = given
        self.tokenizer = AutoTokenizer.from_pretrained(given.tokenizer)
        model = AutoModelForCausalLM.from_pretrained(given.model, dtype="float32").eval()
        self.engine = TransformersEngine(model, Constrainer(self.tokenizer))
        self.turn = threading.Lock()
        self.seen: list[dict[str, Any]] = []
        self.adapters: dict[str, str] = {}
        self.pause = 0.0
        self.running = 0

    def adapter_of(self, name: str) -> str | None:
        if name == self.given.served_model_name:
            return None
        if name not in self.adapters:
            raise Refusal(f"The model `{name}` does not exist.", 404)
        return name

    def request_of(self, body: dict[str, Any]) -> Asked:
        strange = set(body) - KNOWN
        if strange:
            raise Refusal(f"unknown fields {sorted(strange)}")
        for name in ("presence_penalty", "frequency_penalty"):
            if not -2 <= body.get(name, 0) <= 2:
                raise Refusal(f"{name} must be in [-2, 2], got {body[name]}.")
        if body.get("stream") and body.get("prompt_logprobs"):
            raise Refusal("`prompt_logprobs` are not available when `stream=True`.")
        if len(body["prompt"]) + body["max_tokens"] > self.given.max_model_len:
            raise Refusal("This model's maximum context length is exceeded.")
        grammar = (body.get("structured_outputs") or {}).get("grammar")
        if grammar is not None and self.given.structured_outputs_config != {"backend": "guidance"}:
            raise Refusal("Failed to convert the grammar from Lark to EBNF.")
        stops = set(body.get("stop_token_ids") or ())
        if not body.get("ignore_eos"):
            stops.add(EOS)
        return Asked(
            tuple(body["prompt"]),
            frozenset(stops),
            _sampling(body),
            self.adapter_of(body["model"]),
            grammar,
            body.get("logprobs"),
        )


def _sampling(body: dict[str, Any]) -> Sampling:
    names = ("temperature", "top_p", "top_k", "min_p", "seed")
    names += ("repetition_penalty", "presence_penalty", "frequency_penalty")
    told = {name: body[name] for name in names if name in body}
    biases = (body.get("logit_bias") or {}).items()
    biases = tuple((int(token), max(-100.0, min(100.0, bias))) for token, bias in biases)
    return replace(Sampling(max_new_tokens=body["max_tokens"], logit_bias=biases), **told)


def app_of(given: Any) -> FastAPI:
    fake, app = Fake(given), FastAPI()
    key = os.environ.get("VLLM_API_KEY")

    @app.middleware("http")
    async def keyed(request: Request, follow):
        right = request.headers.get("authorization") == f"Bearer {key}"
        if request.url.path.startswith("/v1") and key and not right:
            return JSONResponse({"error": "Unauthorized"}, 401)
        return await follow(request)

    @app.exception_handler(Refusal)
    async def refuse(_: Request, error: Refusal):
        return JSONResponse({"error": {"message": str(error), "code": error.status}}, error.status)

    for add in (_add_answers, _add_adapters, _add_faults):
        add(app, fake)
    return app


def _add_answers(app: FastAPI, fake: Fake) -> None:
    most = fake.given.max_model_len

    @app.get("/health")
    async def health():
        return PlainTextResponse("")

    @app.get("/v1/models")
    async def models():
        names = [fake.given.served_model_name, *fake.adapters]
        cards = [{"id": name, "object": "model", "max_model_len": most} for name in names]
        return {"object": "list", "data": cards}

    @app.post("/tokenize")
    async def tokenize(body: dict[str, Any]):
        special = body["add_special_tokens"]
        return {"tokens": fake.tokenizer.encode(body["prompt"], add_special_tokens=special)}

    @app.post("/v1/completions")
    async def completions(body: dict[str, Any]):
        asked = fake.request_of(body)
        fake.seen.append(body)
        if body.get("stream"):
            return StreamingResponse(_events(fake, asked, body), media_type="text/event-stream")
        choice = {"index": 0, "text": "", "finish_reason": "length", "stop_reason": None}
        if body.get("prompt_logprobs") is not None:
            choice["prompt_logprobs"] = _weighed(fake, asked, body["prompt_logprobs"])
        return {"choices": [choice]}


def _add_adapters(app: FastAPI, fake: Fake) -> None:
    given = fake.given

    @app.post("/v1/load_lora_adapter")
    async def load(body: dict[str, Any]):
        if not given.enable_lora or os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING") != "True":
            raise Refusal("LoRA is not enabled.", 404)
        file = Path(body["lora_path"]) / "adapter_config.json"
        if not file.is_file():
            raise Refusal(f"No adapter found for {body['lora_path']}", 404)
        settings = json.loads(file.read_text())
        if settings["r"] > given.max_lora_rank:
            raise Refusal(f"LoRA rank {settings['r']} is greater than max_lora_rank {given.max_lora_rank}.")
        with fake.turn:
            fake.engine.load_adapter(body["lora_name"], Path(body["lora_path"]))
        fake.adapters[body["lora_name"]] = body["lora_path"]
        return PlainTextResponse(f"Success: LoRA adapter '{body['lora_name']}' added successfully.")

    @app.post("/v1/unload_lora_adapter")
    async def unload(body: dict[str, Any]):
        if fake.adapters.pop(body["lora_name"], None) is None:
            raise Refusal("The lora adapter cannot be found.", 404)
        with fake.turn:
            fake.engine.unload_adapter(body["lora_name"])
        return PlainTextResponse("Success")


def _add_faults(app: FastAPI, fake: Fake) -> None:
    @app.get("/fake/seen")
    async def seen():
        return fake.seen

    @app.get("/fake/running")
    async def running():
        return fake.running

    @app.post("/fake/pause")
    async def pause(body: dict[str, Any]):
        fake.pause = body["seconds"]

    @app.post("/fake/die")
    async def die():
        print("CUDA error: an illegal memory access was encountered", file=sys.stderr, flush=True)
        os._exit(1)


def _weighed(fake: Fake, asked: Asked, top: int) -> list[Any]:
    with fake.turn:
        weighed = fake.engine.weigh(asked.prompt, top, asked.adapter)
    entry = lambda value, rank: {"logprob": value, "rank": rank, "decoded_token": ""}  # noqa: E731
    places = []
    for scored in weighed:
        others = {token: entry(value, rank) for rank, (token, value) in enumerate(scored.top, 1)}
        places.append({**others, scored.token: entry(scored.logprob, 1)})
    return [None, *places]


async def _events(fake: Fake, asked: Asked, body: dict[str, Any]):
    """A chunk a token, as vLLM writes them: the token that stops an answer is among the ids."""
    # the stop tokens are looked at here, so that the token which stopped is known
    free = replace(asked, stop_ids=frozenset() if asked.grammar is None else asked.stop_ids)
    pieces = fake.engine.stream(free)
    fake.running += 1
    try:
        count = 0
        while True:
            await asyncio.sleep(fake.pause)
            piece: Piece = next(pieces)
            count += piece.token is not None
            choice = _choice(piece, asked, body, count)
            if choice is None:
                continue
            chunk = {"id": "cmpl-1", "object": "text_completion", "model": body["model"], "choices": [choice]}
            yield f"data: {json.dumps(chunk)}\n\n"
            if choice["finish_reason"]:
                break
        yield "data: [DONE]\n\n"
    finally:
        pieces.close()
        fake.running -= 1


def _choice(piece: Piece, asked: Asked, body: dict[str, Any], count: int) -> dict[str, Any] | None:
    choice: dict[str, Any] = {"index": 0, "text": "", "logprobs": None, "finish_reason": None}
    choice |= {"stop_reason": None, "token_ids": [] if piece.token is None else [piece.token]}
    if piece.finish == "stop":  # of a grammar: vLLM's answer ends with the end of text
        return choice | {"finish_reason": "stop", "token_ids": [EOS]}
    if piece.finish is not None:
        return None  # the last token said so already
    if piece.token in asked.stop_ids:
        given = piece.token in body["stop_token_ids"]
        choice |= {"finish_reason": "stop", "stop_reason": piece.token if given else None}
    elif count == asked.sampling.max_new_tokens:
        choice["finish_reason"] = "length"
    if asked.top is not None:
        others = {f"token_id:{token}": max(value, -9999.0) for token, value in piece.top}
        own = {f"token_id:{piece.token}": piece.logprob}
        told = {"tokens": [f"token_id:{piece.token}"], "token_logprobs": [piece.logprob]}
        choice["logprobs"] = told | {"top_logprobs": [{**own, **others}], "text_offset": [0]}
    return choice


class Started:
    """The stand-in as a process, for an engine that is given its address."""

    key = None

    def __init__(self, folder: Path, *words: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.when_restarted = lambda: None
        command = [
            sys.executable,
            "-m",
            "tests.vllm_server",
            "serve",
            str(folder),
            "--tokenizer",
            str(folder),
        ]
        command += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", "org/model"]
        command += ["--generation-config", "vllm", *words]
        self.process = subprocess.Popen(command, cwd=ROOT)
        while True:
            assert self.process.poll() is None
            try:
                httpx.get(f"{self.url}/health")
                return
            except httpx.ConnectError:
                time.sleep(0.1)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
