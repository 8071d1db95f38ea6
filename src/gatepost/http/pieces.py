"""Answers that grow with what is stored: made and sent in pieces, and everybody else has their turn in between."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import StreamingResponse

Pages = AsyncIterator[Sequence[Any]]


async def json_array(pages: Pages) -> StreamingResponse:
    """Answer a list that is given page by page."""
    return await in_pieces(_array(pages), media_type="application/json")


async def json_object(members: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """Answer an object; a member that is given page by page becomes a list."""
    return await in_pieces(_object(members), media_type="application/json", headers=headers)


async def in_pieces(
    pieces: AsyncIterator[bytes], *, media_type: str, headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """Answer bytes that are given piece by piece, at least one."""
    # What fails with the first piece is answered as a failure: the status has not been sent yet.
    return StreamingResponse(_in_turn(await anext(pieces), pieces), media_type=media_type, headers=headers)


async def _in_turn(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        # Neither a page that was in memory nor a client that reads fast lets anybody else go on.
        await asyncio.sleep(0)
        yield piece


async def _object(members: Mapping[str, Any]) -> AsyncIterator[bytes]:
    before = b"{"
    for name, value in members.items():
        yield before + orjson.dumps(name) + b":"
        before = b","
        if isinstance(value, AsyncIterator):
            async for piece in _array(value):
                yield piece
        else:
            yield orjson.dumps(value)
    yield b"}"


async def _array(pages: Pages) -> AsyncIterator[bytes]:
    before = b"["
    async for page in pages:
        if page:
            yield before + orjson.dumps(list(page))[1:-1]
            before = b","
    yield b"]" if before == b"," else b"[]"
