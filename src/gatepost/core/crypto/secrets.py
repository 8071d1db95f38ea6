"""The secret of a deployment, and the keys derived from it."""

import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class SecretFileError(Exception):
    """The file of the development secret cannot be used; the message says why and what to do."""


class SecretKeys:
    """`SECRET_KEY`, and the previous one while it is being replaced."""

    __slots__ = ("_secrets",)

    def __init__(self, current: str, previous: str | None = None) -> None:
        self._secrets = (current, *([previous] if previous else []))

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return the 32-byte keys for one purpose (HKDF, RFC 5869), the current one first.

        A key of one purpose reveals nothing about the keys of others.
        """
        return tuple(
            HKDF(SHA256(), KEY_BYTES, salt=None, info=f"gatepost {purpose}".encode()).derive(secret.encode())
            for secret in self._secrets
        )

    def __repr__(self) -> str:
        return f"SecretKeys(<{len(self._secrets)} hidden>)"


def development_secret(folder: Path) -> str:
    """Return the secret stored in `folder/secret_key`, after creating it if it is missing.

    Only its owner can read the file, and git ignores the folder. If several processes start together, one of them
    creates the file and all read it.

    Raises:
        SecretFileError: the file is readable by others, or cannot be created.
    """
    path = folder / "secret_key"
    try:
        if not path.exists():
            prepare_data_folder(folder)
            _create_once(path, secrets.token_urlsafe(48))
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretFileError(f"{path} is readable by others. Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretFileError(
            f"{path} cannot be used ({error.strerror}). Set SECRET_KEY, or DATA_DIR to a writable folder."
        ) from error


def prepare_data_folder(folder: Path) -> None:
    """Create the folder for the data of a service without settings; git ignores it and other users cannot read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _create_once(path: Path, text: str) -> None:
    """Write the whole file or nothing; if another process was first, keep its file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def digest_of(token: str) -> str:
    """Return what is stored of a link's token; plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
