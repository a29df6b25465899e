"""Adapters put on and taken off while the server serves, by the names of vLLM's routes.

What a client names is looked up among the runs of this machine and in one folder that the server
was given: no path of a client is opened.
"""

from __future__ import annotations

from typing import Protocol

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request

from conch.core.errors import ConchError, ExportError, ModelError, RunError, ServeError
from conch.core.text import tr
from conch.server.documents import AdapterLoaded, AdapterUnloaded
from conch.server.errors import RequestError
from conch.server.openai import card_of
from conch.server.schema import LoadAdapterRequest, UnloadAdapterRequest
from conch.server.service import Served, ServiceOf

LOOK_SECONDS = 0.05


class Shelf(Protocol):
    """Where adapters come from."""

    def put_on(self, name: str, reference: str) -> tuple[Served, float]:
        """A model of this name with the adapter that `reference` names, and what its probe found.

        Raises RequestError where there is none, ModelError or ServeError where it can't be used.
        """
        ...

    def take_off(self, served: Served) -> None: ...


def add_to(routes: APIRouter) -> None:
    for name, endpoint, answer in (
        ("load_lora_adapter", load, AdapterLoaded),
        ("unload_lora_adapter", unload, AdapterUnloaded),
    ):
        routes.add_api_route(
            f"/v1/{name}",
            endpoint,
            methods=["POST"],
            response_model=answer,
            summary=tr(f"serving.route.{name}"),
            description=tr(f"serving.route.{name}.more"),
            operation_id=name,
        )


def _shelf(request: Request) -> Shelf:
    shelf: Shelf | None = request.app.state.shelf
    if shelf is None:
        raise RequestError("serving.no_adapters", status=501)
    return shelf


async def load(asked: LoadAdapterRequest, request: Request, service: ServiceOf) -> AdapterLoaded:
    service.check_open()
    shelf = _shelf(request)
    async with request.app.state.shelf_turn:
        if service.knows(asked.lora_name):
            raise RequestError("serving.adapter_there", param="lora_name", name=asked.lora_name)
        try:
            served, probe = await to_thread.run_sync(shelf.put_on, asked.lora_name, asked.lora_path)
        except (ExportError, ModelError, RunError, ServeError) as error:
            raise _told(error) from error
        service.add(served)
    return AdapterLoaded(model=card_of(served, service), probe=probe)


def _told(error: ConchError) -> RequestError:
    """What is wrong with an adapter. What the error says names folders, which are no client's business."""
    if isinstance(error, RequestError):
        return error
    if error.key == "serving.adapter_idle":
        return RequestError("serving.adapter_idle", param="lora_path")
    return RequestError("serving.adapter_unfit", param="lora_path")


async def unload(asked: UnloadAdapterRequest, request: Request, service: ServiceOf) -> AdapterUnloaded:
    served = service.model(asked.lora_name)
    shelf = _shelf(request)
    if served.parent is None:
        raise RequestError("serving.not_an_adapter", param="lora_name", name=served.name)
    service.remove(served.name)
    while service.in_hand(served.name):  # its last answers end first
        await anyio.sleep(LOOK_SECONDS)
    async with request.app.state.shelf_turn:
        await to_thread.run_sync(shelf.take_off, served)
    return AdapterUnloaded(id=served.name)
