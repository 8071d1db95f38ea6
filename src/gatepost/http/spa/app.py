"""Serves a built single-page app at `/`, beside the API: its files, and its page for paths that it routes itself."""

import logging
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gatepost.http.problems import MethodNotAllowed, RouteNotFound
from gatepost.http.spa.policy import policy_for

logger = logging.getLogger("gatepost")

INDEX = "index.html"
SAFE_METHODS = ("GET", "HEAD")
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
FOR_A_WHILE = "public, max-age=300"
# Empty and hidden names, including `.` and `..`; backslashes; control characters.
UNUSABLE = re.compile(r"(^|/)(\.|/)|[\\\x00-\x1f\x7f]")
# Vite and Angular put 8 characters of base64url or base32 before the extension, webpack 8 or more hex digits.
HASHED = re.compile(r"[.-](?P<hash>[0-9a-f]{16,64}|[A-Za-z0-9_-]{8})(\.(chunk|bundle))?(\.[A-Za-z0-9]{1,11}){1,2}")
# Names that people give to files: words, numbers, dates and sizes.
WORDS = re.compile(r"[A-Z]?[a-z]*\d*([_-][A-Z]?[a-z]*\d*)*|\d+x\d+")
CODINGS = {"br": ".br", "gzip": ".gz"}
# Small container images have no list of media types for Python to read.
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".map": "application/json",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ico": "image/x-icon",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".avif": "image/avif",
}


def install(app: FastAPI, folder: Path, *, script_sources: Sequence[str]) -> None:
    """Serve the app in a folder at `/` and on all paths without a route. Call this after all routes were added."""
    ours = {path.split("/")[1] for route in iter_route_contexts(app.routes) if (path := route.path)} - {""}
    for name in sorted(ours):
        if (folder / name).exists():
            logger.warning("SPA_DIR has %s, but /%s is Gatepost's own: that part of the app is not served", name, name)
    spa = SinglePageApp(folder, reserved=frozenset(ours), script_sources=tuple(script_sources))
    app.router.routes.insert(0, Route("/", spa, include_in_schema=False))
    app.router.default = spa


class SinglePageApp:
    """Serves the files of a folder, and its `index.html` to a browser that opens a path without a file.

    `reserved` are first segments of paths that belong to Gatepost: below them nothing is served, not even the page.
    """

    def __init__(self, folder: Path, *, reserved: frozenset[str], script_sources: tuple[str, ...]) -> None:
        self._folder = folder
        self._reserved = reserved
        self._script_sources = script_sources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            RouteNotFound: the app has no such file, and the request is not for a page.
            MethodNotAllowed: the method is not GET or HEAD.
        """
        headers = Headers(scope=scope)
        response = await run_in_threadpool(self._answer, scope["method"], scope["path"], headers)
        await response(scope, receive, send)

    def _answer(self, method: str, path: str, headers: Headers) -> Response:
        # Resolved each time, so that a symbolic link to the newest release can be changed while the service runs.
        root = self._folder.resolve()
        names = path.removeprefix("/").removesuffix("/")
        if UNUSABLE.search(names) or names.partition("/")[0] in self._reserved:
            raise RouteNotFound
        file = _file_in(root, names or INDEX)
        if file is None and method in SAFE_METHODS and _is_for_a_page(names, headers):
            file = _file_in(root, INDEX)
        if file is None:
            raise RouteNotFound
        if method not in SAFE_METHODS:
            raise MethodNotAllowed(headers={"Allow": ", ".join(SAFE_METHODS)})
        return self._page(file, method, headers) if file.suffix == ".html" else _asset(root, file, headers)

    def _page(self, file: Path, method: str, headers: Headers) -> Response:
        content = file.read_bytes()
        answer = {
            "ETag": f'"{sha256(content).hexdigest()[:32]}"',
            "Cache-Control": ASK_FIRST,
            "Content-Security-Policy": policy_for(content, script_sources=self._script_sources),
            "X-Content-Type-Options": "nosniff",
        }
        if _is_known(answer, headers):
            return Response(status_code=304, headers=answer)
        if method == "HEAD":
            return Response(headers={**answer, "Content-Length": str(len(content))}, media_type="text/html")
        return Response(content, headers=answer, media_type="text/html")


def is_hashed(name: str) -> bool:
    """Whether a file's name contains a hash of its content, as build tools add: then the file never changes."""
    found = HASHED.search(name)
    return found is not None and found.end() == len(name) and WORDS.fullmatch(found["hash"]) is None


def _file_in(root: Path, names: str) -> Path | None:
    """Return a readable file below the root; None if there is none, or if a symbolic link leads out of the root."""
    try:
        file = (root / names).resolve()
        return file if file.is_relative_to(root) and file.is_file() and os.access(file, os.R_OK) else None
    except (OSError, ValueError):  # a name that is too long, or not of this file system
        return None


def _is_for_a_page(names: str, headers: Headers) -> bool:
    """Whether a browser opens a path that the app routes itself."""
    return "text/html" in headers.get("accept", "") and "." not in names.rpartition("/")[2]


def _asset(root: Path, file: Path, headers: Headers) -> Response:
    answer = {
        "Cache-Control": FOR_EVER if is_hashed(file.name) else FOR_A_WHILE,
        "X-Content-Type-Options": "nosniff",
    }
    kind = TYPES.get(file.suffix.lower()) or guess_type(file.name)[0] or "application/octet-stream"
    for coding, ending in CODINGS.items():
        twin = _file_in(root, f"{file.relative_to(root)}{ending}")
        if twin is not None:
            answer["Vary"] = "Accept-Encoding"
            if _accepts(headers.get("accept-encoding", ""), coding):
                answer["Content-Encoding"] = coding
                file = twin
                break
    stat = file.stat()
    # From the content: in reproducible container images all files have the same age, and many have the same size.
    answer["ETag"] = f'"{_digest(file, stat.st_mtime_ns, stat.st_size)}"'
    if _is_known(answer, headers):
        return Response(status_code=304, headers=answer)
    return FileResponse(file, headers=answer, media_type=kind, stat_result=stat)


@lru_cache(maxsize=4096)
def _digest(file: Path, _changed: int, _size: int) -> str:
    with file.open("rb") as content:
        digest = sha256()
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:32]


def _accepts(accepted: str, coding: str) -> bool:
    for item in accepted.split(","):
        name, _, weight = item.partition(";")
        if name.strip().lower() == coding:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


def _is_known(answer: dict[str, str], headers: Headers) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
    return answer["ETag"] in tags or "*" in tags
