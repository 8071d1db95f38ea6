"""What goes through a pipe: data in UTF-8 whatever the locale, an end that is closed early, completion in a shell."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, Command
from tests.support.server import COMMAND, run_gatepost, server_env

# Both make Python write other letters than UTF-8's.
LATIN = {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = ("Zoë", "Łukasz", "日本")


def piped(folder: Path, *arguments: str, stdin: bytes = b"", **env: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=server_env(**LATIN, **env),
        input=stdin,
        capture_output=True,
        check=False,
    )


def heed_interrupts() -> None:
    """Undo what a shell does to a job in the background: it and what it starts ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def rows(*names: str) -> bytes:
    return "".join(json.dumps({"username": name, "email": f"p{at}@example.com"}, ensure_ascii=False) + "\n"
                   for at, name in enumerate(names)).encode()  # fmt: skip


def test_data_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    csv = "username,email\n" + "".join(f"{name} of CSV,c{at}@example.com\n" for at, name in enumerate(NAMES))

    imported = piped(tmp_path, "import", "jsonl", "-", stdin=rows(*NAMES))
    from_csv = piped(tmp_path, "import", "csv", "-", stdin=b"\xef\xbb\xbf" + csv.replace("\n", "\r\n").encode())
    exported = piped(tmp_path, "export", "jsonl")
    to_dash = piped(tmp_path, "export", "jsonl", "-")
    listed = piped(tmp_path, "users", "list", "--json")
    for_people = piped(tmp_path, "users", "list")

    assert (imported.returncode, from_csv.returncode) == (0, 0), imported.stderr + from_csv.stderr
    expected = [*NAMES, *(f"{name} of CSV" for name in NAMES)]
    lines = [json.loads(line) for line in exported.stdout.decode().splitlines()]
    assert [line["username"] for line in lines if line["type"] == "account"] == expected
    assert to_dash.stdout == exported.stdout
    assert [json.loads(line)["username"] for line in listed.stdout.decode().splitlines()] == expected
    assert b"\r" not in exported.stdout + listed.stdout
    # A terminal shows what it has; the rest by number.
    assert "Zo\xeb".encode("latin-1") in for_people.stdout
    assert b"\\u0141ukasz" in for_people.stdout
    assert not (tmp_path / "-").exists()


def test_password_is_read_as_utf8_whatever_the_locale(tmp_path: Path) -> None:
    options = ("create-admin", "--username", "admin", "--email", "admin@example.com", "--password-stdin")

    made = piped(tmp_path, *options, stdin="pässwörd 日本\n".encode())
    refused = piped(tmp_path, *options, stdin=b"p\xe4ssword\n")

    assert made.returncode == 0, made.stderr
    assert (refused.returncode, refused.stderr) == (2, b"gatepost: the standard input is not UTF-8\n")


def test_bad_lines_of_a_pipe_are_told_by_their_number(tmp_path: Path) -> None:
    csv = b"username,email\nfine,fine@example.com\nb\0d,b@example.com\n\xff\xfe,c@example.com\n" + b'"' + b"x" * 200_000
    csv += b'",d@example.com\nlong,' + b"y" * 65 + b"@example.com\nlast,last@example.com\n"

    imported = piped(tmp_path, "import", "csv", "-", stdin=csv)

    assert imported.returncode == 1
    told = imported.stdout.decode().splitlines()
    lines = [line.partition(":")[0] for line in told if line.startswith("line ")]
    assert sorted(lines) == ["line 3", "line 4", "line 5", "line 6"]
    assert any(line.startswith("line 6: email_refused: an e-mail address can have at most 64 bytes") for line in told)
    assert any(line.startswith("4 accounts read, 2 imported") for line in told)


@pytest.mark.parametrize("arguments", [("users", "list"), ("users", "list", "--json"), ("export", "jsonl")])
def test_reader_that_has_seen_enough_ends_the_command_quietly(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run_gatepost("import", "jsonl", "-", folder=tmp_path, stdin=rows(*(f"person{at}" for at in range(2000))).decode())

    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, env=server_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (1, b"")


def test_interrupted_command_says_so_and_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "import", "jsonl", "-"], cwd=tmp_path, env=server_env(), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heed_interrupts,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        # More than a pipe holds, so that it is being read once this is written.
        process.stdin.write(rows(*(f"person{at}" for at in range(8000))))
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        said = process.stderr.read()

    assert process.returncode == 130
    assert b"Traceback" not in said


def test_settings_and_findings_are_json(process: Command) -> None:
    shown = process("settings", "--json", PORT="9000", SECRET_KEY="8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa")
    looked_at = process("doctor", "--json")

    values = json.loads(shown.out)
    assert (values["PORT"], values["SECRET_KEY"]) == ("9000", "(hidden)")
    findings = json.loads(looked_at.out)
    assert looked_at.code == 1
    assert {tuple(finding) for finding in findings} == {("severity", "text")}
    assert findings[-1]["severity"] == "failure"


def test_bash_completes_commands_and_their_options(tmp_path: Path) -> None:
    ask = """
    eval "$(_GATEPOST_COMPLETE=source_bash gatepost)"
    try() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _gatepost_completion gatepost; echo "${COMPREPLY[@]}"
    }
    try gatepost us
    try gatepost users d
    try gatepost users list --st
    try gatepost users list --status d
    """
    env = server_env(PATH=f"{PROGRAM.parent}:{os.environ['PATH']}", SHELL="/bin/bash", HOME=str(tmp_path))

    told = subprocess.run(["bash", "-c", ask], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    assert lines == [["users"], ["disable", "delete"], ["--status"], ["disabled", "deleting"]]


@pytest.mark.parametrize(
    ("shell", "begins"),
    [("bash", "_gatepost_completion() {"), ("zsh", "#compdef gatepost"), ("fish", "complete --command gatepost")],
)
def test_completion_of_any_shell_can_be_printed(process: Command, shell: str, begins: str) -> None:
    printed = process(_GATEPOST_COMPLETE=f"source_{shell}")

    assert printed.code == 0
    assert printed.out.lstrip().startswith(begins)
