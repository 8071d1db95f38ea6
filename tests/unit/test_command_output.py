"""What commands print: tables, and JSON."""

import io
import json
import sys

import pytest

from gatepost.cli.output import MEASURED, Table, print_json, print_json_line


def test_table_has_heads_and_columns_of_one_width(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("ID", "NAME")
    table.add(1, "Abbey")
    table.add(20, None)
    table.add(True, ["a", "b"])
    table.end()

    assert capsys.readouterr().out == "ID   NAME\n1    Abbey\n20\nyes  a, b\n"


def test_empty_table_says_none(capsys: pytest.CaptureFixture[str]) -> None:
    Table("ID", "NAME").end()

    assert capsys.readouterr().out == "none\n"


def test_long_table_is_printed_as_it_grows(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("ID")
    for number in range(MEASURED):
        table.add(number)
    assert len(capsys.readouterr().out.splitlines()) == MEASURED + 1

    table.add("later")
    assert capsys.readouterr().out == "later\n"
    table.end()
    assert capsys.readouterr().out == ""


def test_cell_moves_no_cursor_and_ends_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("NAME")
    table.add("\x1b[2J\x9b31mred\r\nforged  1\u2028x\u202egnp.exe\x00\x07")
    table.end()

    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert [letter for letter in out if ord(letter) < 32 and letter != "\n"] == []
    assert not {"\x9b", "\u2028", "\u202e"} & set(out)


def test_json_is_utf8_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1", newline="\r\n"))

    print_json({"name": "Zoë 日本"})
    print_json_line("\udcff")
    sys.stdout.flush()

    document, _, line = raw.getvalue().decode("utf-8").rpartition("}\n")
    assert json.loads(document + "}") == {"name": "Zoë 日本"}
    assert json.loads(line) == "\udcff"
    assert b"\r" not in raw.getvalue()
