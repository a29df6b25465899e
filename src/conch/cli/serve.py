"""`conch serve MODEL`, or of a config file: the HTTP API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.core import env
from conch.core.errors import ServeError, UsageError
from conch.core.files import expanded
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.server.run import Opened

CONFIG_ENDINGS = (".yaml", ".yml", ".json")
ENGINES = ("auto", "llamacpp", "transformers", "vllm")


@click.command(cls=Command, help=tr("cli.serve"))
@click.argument("model", metavar="MODEL|CONFIG.yaml", required=False, default="")
@click.option("--adapter", "adapters", multiple=True, metavar="NAME=PATH", help=tr("serving.cli.adapter"))
@click.option("--host", default="127.0.0.1", show_default=True, help=tr("serving.cli.host"))
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help=tr("serving.cli.port")
)
@click.option("--name", help=tr("serving.cli.name"))
@click.option("--api-key", help=tr("serving.cli.api_key"))
@click.option("--api-key-file", type=click.Path(path_type=Path), help=tr("serving.cli.api_key_file"))
@click.option("--require-key", is_flag=True, help=tr("serving.cli.require_key"))
@click.option("--cors-origin", "cors_origins", multiple=True, help=tr("serving.cli.cors_origin"))
@click.option("--adapter-dir", type=click.Path(), help=tr("serving.cli.adapter_dir"))
@click.option("--template", help=tr("keys.template"))
@click.option("--thinking/--no-thinking", "enable_thinking", default=None, help=tr("keys.enable_thinking"))
@click.option("--trust-remote-code", is_flag=True, help=tr("keys.trust_remote_code"))
@click.option(
    "--max-new-tokens",
    default=512,
    show_default=True,
    type=click.IntRange(1),
    help=tr("serving.cli.max_new_tokens"),
)
@click.option(
    "--max-concurrent-requests",
    default=64,
    show_default=True,
    type=click.IntRange(1),
    help=tr("serving.cli.max_concurrent_requests"),
)
@click.option(
    "--max-parallel-answers",
    type=click.IntRange(1),
    help=tr("serving.cli.max_parallel_answers"),
)
@click.option(
    "--request-seconds",
    default=600,
    show_default=True,
    type=click.IntRange(1),
    help=tr("serving.cli.request_seconds"),
)
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice(ENGINES),
    help=tr("serving.cli.engine"),
)
@click.option(
    "--gguf-type",
    default="f16",
    show_default=True,
    type=click.Choice(["q8_0", "f16", "bf16", "f32"]),
    help=tr("serving.cli.gguf_type"),
)
@click.option("--context-length", type=click.IntRange(1), help=tr("serving.cli.context_length"))
@click.option("--vllm-url", metavar="URL", help=tr("serving.cli.vllm_url"))
@click.option("--vllm-key-file", type=click.Path(), help=tr("serving.cli.vllm_key_file"))
@click.option("--vllm-args", metavar="WORDS", help=tr("serving.cli.vllm_args"))
@click.option("--install-vllm", is_flag=True, help=tr("serving.cli.install_vllm"))
@click.option("--upstream", multiple=True, metavar="URL", help=tr("serving.cli.upstream"))
@click.option("--upstream-key-file", type=click.Path(), help=tr("serving.cli.upstream_key_file"))
@click.option("--json", "as_json", is_flag=True, help=tr("serving.cli.json"))
@click.pass_context
def command(
    context: click.Context,
    /,
    model: str,
    adapters: tuple[str, ...],
    api_key: str | None,
    api_key_file: Path | None,
    install_vllm: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    from conch.config.load_serve import load_serve

    if not model and not settings["upstream"]:
        raise UsageError("serving.nothing_to_serve")

    file = _config_file(model)
    values = {name: settings[name] for name in _typed(context) if name in settings}
    if adapters:
        values["adapters"] = _named(adapters)
    key = _key(api_key, api_key_file)
    if key is not None:
        values["api_key"] = key
    config = load_serve(file, {"model": model, **values} if model and not file else values)
    if config.engine == "vllm" and config.vllm_url is None:
        _have_vllm(install_vllm)

    from conch.server.run import serve

    origin = "file" if api_key_file else "word" if api_key is not None else "environment"
    if key is None:
        origin = "config"
    serve(config, _announce_json if as_json else partial(_announce, origin=origin), _tell)
    whisper(tr("serving.stopped"))


def _tell(line: str) -> None:
    """Where whoever read this has gone, the server serves on."""
    with suppress(OSError):
        whisper(line)


def _config_file(model: str) -> Path | None:
    """The config file that is named where a model could be."""
    file = expanded(model)
    return file if file.suffix in CONFIG_ENDINGS else None


def _have_vllm(unasked: bool) -> None:
    """Make vLLM's environment where there is none, if somebody wants it. Raises ServeError."""
    from conch.inference.vllm import environment

    if environment.is_ready():
        return
    lines = [" ".join(command) for command in environment.commands()]
    if not unasked:
        if not sys.stdin.isatty():
            raise ServeError("serving.no_vllm", folder=environment.folder())
        for line in (tr("serving.vllm_offer"), *(f"  {line}" for line in lines)):
            whisper(line)
        if not click.confirm(tr("serving.vllm_make"), default=True, err=True):
            raise ServeError("serving.no_vllm", folder=environment.folder())
    environment.make(whisper)


def _typed(context: click.Context) -> Iterator[str]:
    """The options that were given, and not left at their default."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield name


def _key(given: str | None, file: Path | None) -> str | None:
    """The key, from wherever it was given. Raises UsageError."""
    if file is None:
        return env.api_key() if given is None else given
    if given is not None:
        raise UsageError("serving.two_keys")
    from conch.config.key_file import read_key

    return read_key(file)


def _named(adapters: tuple[str, ...]) -> dict[str, str]:
    """`NAME=PATH` words as a table. Raises UsageError."""
    named: dict[str, str] = {}
    for word in adapters:
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UsageError("serving.bad_adapter", word=word)
        if name in named:
            raise UsageError("serving.same_name", name=name)
        named[name] = path
    return named


def _announce(opened: Opened, *, origin: str) -> None:
    """Where the server is, who can reach it, and one request to try. `origin` is where its key came from."""
    models = ", ".join(opened.models) or tr("serving.no_models_yet")
    say(tr("serving.ready", url=opened.url, models=models))
    if opened.network:
        origin = "made" if opened.made_key else origin if opened.key else "ring"
        say(tr("serving.open", url=opened.network, key=tr(f"serving.key_is.{origin}")))
    query, header = "", ""
    if opened.made_key:
        say(tr("serving.made_key", key=opened.made_key))
        query, header = f"?key={opened.made_key}", f" -H 'Authorization: Bearer {opened.made_key}'"
    elif opened.key:
        header = f" -H 'Authorization: Bearer {tr('serving.your_key')}'"
    say(tr("serving.see_docs", url=f"{opened.url}/docs{query}"))
    say(tr("serving.try"))
    say(f"  curl{header} '{opened.url}/generate?prompt=Hello'")
    whisper(tr("serving.how_to_stop"))


def _announce_json(opened: Opened) -> None:
    facts = {"url": opened.url, "network": opened.network, "models": list(opened.models)}
    emit({**facts, "api_key": opened.made_key})
