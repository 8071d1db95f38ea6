"""The secret of a deployment: derived keys, and the file of development."""

import hashlib
import hmac
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.core.crypto.secrets import SecretFileError, SecretKeys, development_secret, prepare_data_folder

START = """
import pathlib, sys
from gatepost.core.crypto.secrets import development_secret
print(development_secret(pathlib.Path(sys.argv[1])))
"""


def test_keys_of_different_purposes_differ() -> None:
    keys = SecretKeys("a secret")

    derived = {purpose: keys.derive(purpose)[0] for purpose in ("refresh token", "signing key encryption", "x")}

    assert len(set(derived.values())) == 3
    assert {len(key) for key in derived.values()} == {32}
    assert keys.derive("x") == (derived["x"],)


def test_key_is_the_one_of_rfc_5869() -> None:
    # HKDF-SHA256 of "a secret" without salt and with the info "gatepost x", from its two HMAC steps.
    extracted = hmac.digest(bytes(32), b"a secret", hashlib.sha256)
    expanded = hmac.digest(extracted, b"gatepost x\x01", hashlib.sha256)

    assert SecretKeys("a secret").derive("x") == (expanded,)


def test_previous_secret_comes_second() -> None:
    assert SecretKeys("new", "old").derive("x") == (*SecretKeys("new").derive("x"), *SecretKeys("old").derive("x"))


def test_secrets_are_not_shown() -> None:
    assert repr(SecretKeys("hunter2", "hunter1")) == "SecretKeys(<2 hidden>)"


def test_development_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"

    secret = development_secret(folder)

    assert len(secret) >= 64
    assert development_secret(folder) == secret
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "secret_key"]
    assert development_secret(tmp_path / "elsewhere") != secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    development_secret(tmp_path)
    (tmp_path / "secret_key").chmod(mode)

    with pytest.raises(SecretFileError, match=r"readable by others\. Run: chmod 600 "):
        development_secret(tmp_path)


def test_folder_that_cannot_be_made_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SecretFileError, match="Set SECRET_KEY, or DATA_DIR to a writable folder"):
        development_secret(tmp_path / "file" / "data")


def test_own_ignore_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")

    prepare_data_folder(tmp_path)

    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_processes_that_start_together_read_one_secret(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    processes = [
        subprocess.Popen([sys.executable, "-c", START, str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]

    secrets = {process.communicate()[0].strip() for process in processes}

    assert {process.returncode for process in processes} == {0}
    assert len(secrets) == 1
    assert secrets == {development_secret(folder)}
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "secret_key"]
