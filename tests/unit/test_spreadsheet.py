"""CSV that spreadsheets read, and run nothing of."""

import csv
import io

import pytest

from gatepost.admin.accounts.spreadsheet import line


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("Abbey Salami", "Abbey Salami"),
        ('=HYPERLINK("https://evil.example","x")', '\'=HYPERLINK("https://evil.example","x")'),
        ("-1+1", "'-1+1"),
        ("+49 30", "'+49 30"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1+1", "'＝1+1"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("a;=1+1", "a;'=1+1"),
        ("a,\n-1", "a,'\n'-1"),
        ("a-b@example.com", "a-b@example.com"),
        ("a;b,c", "a;b,c"),
        ("", ""),
    ],
)
def test_no_cell_begins_a_formula_whatever_the_separator_is(cell: str, written: str) -> None:
    text = line([cell, "next"])

    assert next(csv.reader(io.StringIO(text, newline=""))) == [written, "next"]
    assert text.endswith("\r\n")
    for separator in ",;\t|":
        for found in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            # Also where the quotes are not understood as such.
            assert not [part for part in found if part.strip(' "').startswith(("=", "+", "-", "@", "＝"))], separator
