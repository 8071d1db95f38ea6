"""The README is true: its tour is run as written; the settings of the documents are those of the code."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gatepost.core.settings.text import example_file, markdown_page
from tests.support.missing import lacking
from tests.support.server import gatepost_server, server_env

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
HOW_TO_WRITE = "run `make docs` and commit what it changes"
STEP = re.compile(r"```bash\n(?P<commands>.*?)```\n\n```(?:json|text)\n(?P<answer>.*?)```", re.DOTALL)
ANYTHING = "…"
DIVIDER = "-- the next step --"


@dataclass(frozen=True)
class Step:
    """Commands of the tour, and what the README says that they print."""

    commands: str
    answer: str

    def fits(self, printed: str) -> bool:
        """Whether this was printed, with any line breaks."""
        parts = (re.escape("".join(part.split())) for part in self.answer.split(ANYTHING))
        return re.fullmatch(".+".join(parts), "".join(printed.split())) is not None


def test_tour_answers_as_the_readme_says(tmp_path: Path) -> None:
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            lacking(f"the tour needs {program}: install it")
    section = README.partition("## A tour\n")[2].partition("\n## ")[0]
    tour = [Step(found["commands"], found["answer"]) for found in STEP.finditer(section)]
    assert len(tour) == section.count("```bash") > 0, "a step of the tour has no answer below it"
    # The tour calls .venv/bin/gatepost, as in a checkout.
    (tmp_path / ".venv").symlink_to(sys.prefix)

    with gatepost_server(tmp_path) as server:
        script = f"\necho '{DIVIDER}'\n".join(step.commands for step in tour)
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("http://localhost:8080", server.url)],
            cwd=tmp_path,
            env={**server.env, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert result.returncode == 0, result.stderr
    for step, printed in zip(tour, result.stdout.split(DIVIDER), strict=True):
        assert step.fits(printed), f"{step.commands}\nprints\n{printed}\nand the README says\n{step.answer}"


def test_settings_of_the_documents_are_those_of_the_code() -> None:
    assert (CHECKOUT / "docs/settings.md").read_text(encoding="utf-8") == markdown_page(), HOW_TO_WRITE


def test_readme_is_read_in_one_sitting() -> None:
    assert README.count("\n") < 150


def test_example_file_has_the_settings_of_the_code() -> None:
    assert (CHECKOUT / ".env.example").read_text(encoding="utf-8") == example_file(), HOW_TO_WRITE


def test_hint_of_serve_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    env = server_env()
    with subprocess.Popen(
        [".venv/bin/gatepost", "serve"], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        hint = next(line.decode() for line in process.stdout if b"first administrator" in line)
        process.terminate()
    typed = hint.partition("administrator")[2].strip()

    result = subprocess.run(
        f"echo 'a long enough passphrase' | {typed} --password-stdin",
        cwd=tmp_path, env=env, shell=True, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert result.stdout == "administrator admin has the id 1\n", result.stderr
