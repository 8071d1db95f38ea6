"""Streams large answers in pieces, so that other requests are served in between."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import StreamingResponse

Pages = AsyncIterator[Sequence[Any]]


async def json_array(pages: Pages) -> StreamingResponse:
    """Answer with a list that comes page by page."""
    return await in_pieces(_array(pages), media_type="application/json")


async def json_object(members: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """Answer with an object; a member that comes page by page becomes a list."""
    return await in_pieces(_object(members), media_type="application/json", headers=headers)


async def in_pieces(
    pieces: AsyncIterator[bytes], *, media_type: str, headers: Mapping[str, str] | None = None
) -> StreamingResponse:
    """Answer with bytes that come piece by piece; there is at least one."""
    # A failure before the first piece is answered as an error, because the status has not been sent yet.
    return StreamingResponse(_in_turn(await anext(pieces), pieces), media_type=media_type, headers=headers)


async def _in_turn(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        # A page in memory, read by a fast client, would otherwise never yield to other requests.
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
