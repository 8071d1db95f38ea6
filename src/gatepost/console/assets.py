"""Styles, scripts and the logo, in memory, at URLs that change with their content.

The scripts use the same client as other apps: `packages/js`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gatepost.console.brand import Brand

FOLDER = Path(__file__).parent / "static"
CLIENT = "js/client"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
VERSION_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `etag` includes the quotes."""

    content: bytes
    media_type: str
    etag: str


class Assets:
    """The files of the pages; `version` is part of their URLs, so that browsers may cache them forever."""

    def __init__(self, brand: Brand) -> None:
        self.logo = f"logo{brand.logo.suffix.lower()}" if brand.logo else "icon.svg"
        self._assets = {**_shipped(), "brand.css": _asset(brand.css.encode(), ".css")}
        if brand.logo:
            self._assets[self.logo] = _asset(brand.logo.read_bytes(), brand.logo.suffix.lower())
        digest = hashlib.sha256()
        for name, asset in sorted(self._assets.items()):
            digest.update(f"{name} {asset.etag}\n".encode())
        self.version = digest.hexdigest()[:VERSION_LENGTH]

    def get(self, name: str) -> Asset | None:
        """Return a file by name; None if there is no such file."""
        return self._assets.get(name)


def client_folder() -> Path:
    """Return the folder of the client's modules: inside the installed package, or in `packages/js` of the checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_client"
    return packaged if packaged.is_dir() else package.parent.parent / "packages/js/src"


@cache
def _shipped() -> Mapping[str, Asset]:
    """Return the files that every deployment has; each process reads them once."""
    files = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.is_file()}
    files |= {f"{CLIENT}/{path.name}": path for path in client_folder().glob("*.js")}
    return {name: _asset(path.read_bytes(), path.suffix) for name, path in files.items()}


def _asset(content: bytes, suffix: str) -> Asset:
    return Asset(content, MEDIA_TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
