"""Where one request ends and the next begins: a parser of requests, and of nothing that a connection could turn into.

It reads HTTP/1.1 and 1.0 as RFC 9112 has them. What it does not understand ends the reading for good: no byte after it
is taken for a request.
"""

import re
from collections.abc import Callable
from typing import Protocol

from gatepost.core.errors import AppError
from gatepost.http.problems import BodyTooLarge
from gatepost.http.request_head import DECISIVE, Head, HeadersTooLarge, MalformedRequest, read_fields, read_head

MAX_HEAD_BYTES = 16 * 1024
# Of a body in chunks, what is no content: the lines before and after chunks. A byte a chunk is still read.
MAX_FRAME_BYTES = 512 * 1024
MAX_CHUNK_LINE_BYTES = 256

END_OF_LINE = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"
# With extensions, which nothing reads; a space anywhere between them is not ours.
CHUNK_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,8})(?:;[\w!#$%&'*+.^`|~-]++(?:=(?:[\w!#$%&'*+.^`|~-]++|\"[\t !#-~]*+\"))?+)*+", re.ASCII
)
# In a line that has not ended yet: whatever follows, it will not be one of ours.
HOPELESS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r[^\n]|(?<!\r)\n")


class Listener(Protocol):
    """Who is told what was read; what a call raises ends the reading, too."""

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""

    def on_head(self, head: Head) -> bool:
        """Its head is there; returns whether another request may follow this one."""

    def on_body(self, body: bytes) -> None:
        """A piece of its body is there."""

    def on_message_complete(self) -> None:
        """All of it is there."""


class RequestParser:
    """Reads the requests of one connection, in whatever pieces they come."""

    def __init__(self, listener: Listener) -> None:
        self.is_in_head = False
        self.is_in_body = False
        # Whether nothing more is read.
        self.is_stopped = False
        self._listener = listener
        # Takes what is there and where to begin; returns how far it came, or None where it needs more.
        self._step: Callable[[bytes, int], int | None] = self._read_head
        self._head: Head
        self._is_last = False
        # What is there of a line that has not ended, and how much of it has been looked at.
        self._rest = b""
        self._searched = 0
        # What is still to come of the body, or of the chunk.
        self._left = 0
        self._frame_bytes = 0

    def feed_data(self, data: bytes) -> None:
        """Read on.

        Raises:
            AppError: it cannot be read; what follows is dropped.
        """
        data = self._rest + data
        at, end = 0, len(data)
        try:
            while at < end and not self.is_stopped and (reached := self._step(data, at)) is not None:
                at = reached
        except BaseException:
            self.is_stopped = True
            raise
        self._rest = b"" if self.is_stopped else data[at:]

    def stop(self) -> None:
        """Read nothing more, also of a request that has begun."""
        self.is_stopped = True
        self.is_in_head = self.is_in_body = False

    def get_method(self) -> bytes:
        """Return the method of the newest request; this and what follows is what uvicorn asks of a parser."""
        return self._head.method

    def get_http_version(self) -> str:
        """Return the version of the newest request."""
        return self._head.version

    def should_keep_alive(self) -> bool:
        """Return whether the newest request lets another one follow."""
        return self._head.keeps_alive

    def should_upgrade(self) -> bool:
        """Return False: `Upgrade` is an offer, and who does not take it ignores it (RFC 9110, section 7.8)."""
        return False

    def _read_head(self, data: bytes, at: int) -> int | None:
        if not self.is_in_head:
            while data.startswith(END_OF_LINE, at):  # RFC 9112, section 2.2
                at += len(END_OF_LINE)
            if data[at : at + 2] in (b"", b"\r"):
                return at if at == len(data) else None
            self.is_in_head = True
            self._listener.on_message_begin()
        end = self._find(END_OF_HEAD, data, at, most=MAX_HEAD_BYTES, error=HeadersTooLarge)
        if end is None:
            return None
        self._head = head = read_head(data[at:end])
        self.is_in_head, self.is_in_body = False, True
        self._is_last = not self._listener.on_head(head)
        if head.length is None:
            self._frame_bytes, self._step = 0, self._read_chunk_size
        elif head.length > 0:
            self._left, self._step = head.length, self._read_body
        else:
            self._complete()
        return end + len(END_OF_HEAD)

    def _read_body(self, data: bytes, at: int) -> int:
        at = self._read_content(data, at)
        if self._left == 0:
            self._complete()
        return at

    def _read_chunk_size(self, data: bytes, at: int) -> int | None:
        end = self._find(END_OF_LINE, data, at, most=MAX_CHUNK_LINE_BYTES)
        if end is None:
            return None
        size = CHUNK_SIZE.fullmatch(data, at, end)
        if size is None:
            raise MalformedRequest
        self._count_frame(end - at + 2 * len(END_OF_LINE))
        self._left = int(size[1], 16)
        self._step = self._read_chunk if self._left > 0 else self._read_trailer
        return end + len(END_OF_LINE)

    def _read_chunk(self, data: bytes, at: int) -> int:
        at = self._read_content(data, at)
        if self._left == 0:
            self._step = self._read_chunk_end
        return at

    def _read_chunk_end(self, data: bytes, at: int) -> int | None:
        end = self._find(END_OF_LINE, data, at, most=0)
        if end is None:
            return None
        self._step = self._read_chunk_size
        return end + len(END_OF_LINE)

    def _read_trailer(self, data: bytes, at: int) -> int | None:
        end = self._find(END_OF_LINE, data, at, most=MAX_HEAD_BYTES, error=HeadersTooLarge)
        if end is None:
            return None
        if end == at:
            self._complete()
        else:
            self._count_frame(end - at)
            [(name, _)] = read_fields([data[at:end]])
            # The application has had the headers: a trailer is dropped, and is none where it could change the request.
            if name in DECISIVE:
                raise MalformedRequest
        return end + len(END_OF_LINE)

    def _complete(self) -> None:
        self.is_in_body = False
        self._step = self._read_head
        if self._is_last:
            self.stop()
        self._listener.on_message_complete()

    def _read_content(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        self._left -= len(piece)
        self._listener.on_body(piece)
        return at + len(piece)

    def _find(
        self, mark: bytes, data: bytes, at: int, *, most: int, error: type[AppError] = MalformedRequest
    ) -> int | None:
        """Return where a mark is, at most so far away; None where it is still to come, and can come."""
        found = data.find(mark, at)
        if (found if found >= 0 else len(data) - len(mark) + 1) - at > most:
            raise error
        if found >= 0:
            self._searched = 0
            return found
        if HOPELESS.search(data, at + max(self._searched - 1, 0)):
            raise MalformedRequest
        self._searched = len(data) - at
        return None

    def _count_frame(self, size: int) -> None:
        self._frame_bytes += size
        if self._frame_bytes > MAX_FRAME_BYTES:
            raise BodyTooLarge
