"""Conch around the scripted engine, which computes nothing.

`python -m benchmarks.serving.scripted MODEL PORT CORE`

What a request takes here is what the gateway takes: reading it, its prompt in the model's own template and
tokens, the way through the queue, its answer of a few tokens as text, and HTTP. Held to one core.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from conch.config.model import ModelConfig
from conch.config.serve import ServeConfig
from conch.core import env
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.engine import Request
from conch.inference.engines.scripted import ScriptedEngine
from conch.models.load import load_tokenizer
from conch.server.app import create_app
from conch.server.run import Server, listening
from conch.server.service import Served, Service

ANSWER = "I am the magic conch of this shop."


def main() -> None:
    folder, port, core = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    env.quiet_libraries()
    if core >= 0:
        psutil.Process().cpu_affinity([core])
    template = ChatTemplate.of(load_tokenizer(folder, ModelConfig(model_name_or_path=str(folder))))
    tokens = [*template.encode(ANSWER), template.end_of_turn]

    def script(_: Request) -> list[int]:
        return tokens

    chat = Chat(ScriptedEngine(script), template, template.stop_ids())
    service = Service([Served("base", chat)])
    server = Server(create_app(service, ServeConfig(model="base")), service)
    server.settle()
    with listening("127.0.0.1", port) as taken:
        server.run(sockets=[taken])


if __name__ == "__main__":
    main()
