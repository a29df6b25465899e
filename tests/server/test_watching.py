"""Work for a client ends when the client has gone, and only then."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException

from conch.server.answering import while_there
from conch.server.errors import RequestError


async def _forever():
    await asyncio.Event().wait()


def test_what_is_done_in_time_is_given():
    async def call():
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(while_there(_forever, call)) == 7


def test_the_work_is_cancelled_when_the_client_goes():
    ended = []

    async def work():
        try:
            await _forever()
        finally:
            await asyncio.sleep(0)  # what ends the work may wait
            ended.append(True)

    async def receive():
        await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def main():
        with pytest.raises(RequestError) as caught:
            await while_there(receive, work)
        assert caught.value.status == 499
        await asyncio.sleep(0)  # the task itself goes on

    asyncio.run(main())
    assert ended


def test_what_ends_the_watching_is_told():
    async def receive():
        raise HTTPException(413)

    with pytest.raises(HTTPException, match="413"):
        asyncio.run(while_there(receive, _forever))


def test_to_be_cancelled_from_outside_is_no_client_that_has_gone():
    async def main():
        task = asyncio.create_task(while_there(_forever, _forever))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
