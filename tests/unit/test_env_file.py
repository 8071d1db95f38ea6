"""`.env` is read as docs/env-file.md says, and names in it that were misspelt are found."""

import codecs
import os
import re
import threading
from pathlib import Path

import pytest

from gatepost.core.settings import Settings, SettingsError, load_settings
from gatepost.core.settings.env_file import RENAMED, EnvFileSource, EnvFileUnreadable, misspelt_names, read_env_file

DOCUMENT = (Path(__file__).parents[2] / "docs/env-file.md").read_text(encoding="utf-8")
# A row's cells are code, and no value of the table holds a backtick.
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]*)` \|$", re.MULTILINE)
KNOWN = {name.upper() for name in Settings.model_fields}
# What machines have in their environment, of which none is a misspelt setting.
OF_MACHINES = (
    "PATH", "HOME", "HOST", "HOSTNAME", "HOSTTYPE", "PORT", "USER", "LOGNAME", "SHELL", "MAIL", "LANG", "LC_ALL",
    "TERM", "PWD", "OLDPWD", "SHLVL", "EDITOR", "DISPLAY", "LS_COLORS", "SSH_AUTH_SOCK", "XDG_DATA_DIRS", "TZ",
    "_", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "SSL_CERT_FILE", "HTTP_PROXY", "NO_PROXY", "REPLICAS",
    "HTTP_PORT", "MYSQL_PORT", "MYSQL_HOST", "MYSQL_USER", "REDIS_PORT", "GATEPOST_SERVICE_HOST",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME", "CI", "DEBUG",
)  # fmt: skip


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Return where the file will be."""
    return tmp_path / ".env"


def test_each_row_of_the_document_is_true(env_file: Path) -> None:
    rows = ROW.findall(DOCUMENT)
    wrong = []
    for line, value in rows:
        env_file.write_text(f"{line}\n", encoding="utf-8")
        if (read := read_env_file(env_file)) != {"DB_PASSWORD": value}:
            wrong.append((line, value, read))

    assert wrong == []
    assert len(rows) == 15


def test_value_reaches_the_settings_as_it_is(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "filled in")
    env_file.write_text("DB_PASSWORD=a${NAME}b$NAME`id`%NAME%\nport=9000\nOTHER=x\nHOST=\n", encoding="utf-8")

    settings = load_settings(env_file=env_file)

    assert settings.db_password.get_secret_value() == "a${NAME}b$NAME`id`%NAME%"
    assert (settings.port, settings.host) == (9000, "127.0.0.1")


def test_value_in_quotes_goes_on_over_lines_and_the_last_of_two_counts(env_file: Path) -> None:
    env_file.write_bytes(b"PORT=1\r\n\r\nJWT_SECRET='-----BEGIN\nab\\nc\n-----END'\r\n# x\r\nPORT=2\r\n")

    assert read_env_file(env_file) == {"PORT": "2", "JWT_SECRET": "-----BEGIN\nab\\nc\n-----END"}


def test_byte_order_mark_is_no_part_of_the_first_name(env_file: Path) -> None:
    env_file.write_bytes(codecs.BOM_UTF8 + b"PORT=9000\n")

    assert load_settings(env_file=env_file).port == 9000


def test_file_that_cannot_be_read_is_told_in_one_line_with_its_name(env_file: Path) -> None:
    text = "HOST=127.0.0.1\nBRAND_NAME=Zoë\n"
    for content, words in (
        (text.encode("utf-16"), "it is UTF-16"),
        (text.encode("utf-16-le"), "it is UTF-16"),
        (text.encode("latin-1"), "line 2 is not UTF-8; the file may be Latin-1"),
        (b"PORT=1\0\n", "it is UTF-16 or a binary file, not UTF-8"),
        (b"\n\nPORT 9000\n", "line 3 is not NAME=value"),
        (b"HOST=x\nPORT\n", "line 2 is not NAME=value"),
        (b"DB_PASSWORD=\"secret-of-mine\nPORT=1\n", "line 1 is not NAME=value, or a quote"),
        (b"=x\n", "line 1 is not NAME=value"),
        (b"DB_PASSWORD='secret-of-mine'x\n", "line 1 is not NAME=value, or a quote"),
    ):  # fmt: skip
        env_file.write_bytes(content)
        with pytest.raises(SettingsError) as refused:
            load_settings(env_file=env_file)
        assert len(refused.value.complaints) == 1
        assert str(refused.value).startswith(f"{env_file}: "), content
        assert words in str(refused.value)
        assert "\n" not in str(refused.value)
        assert "secret-of-mine" not in str(refused.value)
        # A line that is none is in UTF-8 already.
        assert "Save it" not in str(refused.value)


def test_folder_of_this_name_is_no_file_and_a_pipe_is_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("PORT=9000\n"))
    writer.start()

    assert read_env_file(tmp_path / "folder") == {}
    assert read_env_file(tmp_path / "pipe") == {"PORT": "9000"}
    writer.join()


def test_file_without_the_right_to_read_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / ".env").write_text("")
    # Root, as in a container of tests, may read every file.
    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(EnvFileUnreadable, match=r"cannot be read \(Permission denied\)"):
        read_env_file(tmp_path / ".env")


def test_misspelt_names_are_found_with_what_was_meant(env_file: Path) -> None:
    meant = {
        "CORS_ORIGIN": "CORS_ORIGINS", "cors-origins": "CORS_ORIGINS", "DB_PASS": "DB_PASSWORD",
        "DB_USERNAME": "DB_USER", "GATEPOST_PORT": "PORT", "DATABASE_URI": "DATABASE_URL",
        "JWT_REFRESH_EXPIRATION": "JWT_REFRESH_EXPIRATION_DAYS",
        "MAILURL": "MAIL_URL", "SECRETKEY": "SECRET_KEY", "TRUSTED_PROXY": "TRUSTED_PROXIES",
    }  # fmt: skip
    env_file.write_text("".join(f"{name}=x\n" for name in (*meant, "VITE_THEME", "PORT")), encoding="utf-8")

    near, others = misspelt_names(KNOWN, env_file=env_file, environment={"CORS_ORIGIN": "x", "REDIS_URI": "x"})

    assert {one.name: one.meant for one in near} == {**meant, "REDIS_URI": "REDIS_URL"}
    assert others == ["VITE_THEME"]
    said = [str(one) for one in near if one.name in ("CORS_ORIGIN", "REDIS_URI")]
    assert said == [
        f"CORS_ORIGIN in {env_file} is not a setting: did you mean CORS_ORIGINS?",
        "REDIS_URI in the environment is not a setting: did you mean REDIS_URL?",
    ]


def test_earlier_names_of_settings_are_told_with_the_names_of_today(env_file: Path) -> None:
    env_file.write_text("".join(f"{name}=1\n" for name in RENAMED), encoding="utf-8")

    near, others = misspelt_names(KNOWN, env_file=env_file, environment=dict.fromkeys(RENAMED, "1"))

    assert ({one.name: one.meant for one in near}, others) == (RENAMED, [])
    assert str(near[0]) == (
        f"GUESS_LONGEST_WAIT_SECONDS in {env_file} is not a setting: it was renamed to GUESS_MAX_WAIT_SECONDS"
    )


def test_names_of_other_programs_are_left_alone(env_file: Path) -> None:
    near, others = misspelt_names(KNOWN, env_file=env_file, environment=dict.fromkeys(OF_MACHINES, "x"))

    assert (near, others) == ([], [])


def test_last_of_two_settings_counts_in_whatever_case_they_are_named(env_file: Path) -> None:
    env_file.write_text("BRAND_NAME=one\nbrand_name=two\nBRAND_NAME=three\n", encoding="utf-8")

    assert EnvFileSource(Settings, env_file)() == {"brand_name": "three"}
