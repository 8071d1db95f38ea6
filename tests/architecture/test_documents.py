"""The documents speak of what is there: links, files, commands, settings, error codes, routes."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr

from gatepost.app import create_app
from gatepost.cli.main import app as command_line
from gatepost.core.errors import all_errors
from gatepost.core.settings import Settings
from gatepost.http.server import protocol  # noqa: F401  its errors are listed once it is loaded, as the server does

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("packages/*/*.md")])
BACKUP = CHECKOUT / "docs/backup.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
CODE_BLOCK = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
FILE = re.compile(r"[\w./-]+\.(?:py|toml|md|yml|txt|ini)|(?:src|tests|docs|alembic)/[\w./-]*")
# A folder of src/gatepost, or the inside of any feature.
FOLDERS = (CHECKOUT, CHECKOUT / "src/gatepost", *(path.parent for path in CHECKOUT.glob("src/gatepost/**/__init__.py")))
WINGS = {"identity", "flows", "admin"}
SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# Names in capitals that are no settings of the service.
OTHER_NAMES = {
    "TEST_MYSQL_URL", "GATEPOST_CLIENT_SECRET", "SSL_CERT_FILE", "SIGNED_IN", "ROLE_USER", "AUTO_ID_CACHE",
    "BENCH_MYSQL_URL", "HTTP_PORT", "PYTHONIOENCODING", "LC_ALL", "GATEPOST_COMPLETE", "MYSQL_USER", "MYSQL_PASSWORD",
    "MYSQL_DATABASE",
}  # fmt: skip
# A service of docker-compose.yml has the name of the command: `docker compose exec gatepost gatepost …`.
COMMAND = re.compile(r"\bgatepost (?!gatepost)([a-z][a-z-]+)")
TARGET = re.compile(r"\bmake ([a-z]+)")
ERROR_CODE = re.compile(r"\b40\d `([a-z]+(?:_[a-z]+)+)`")
UNLISTED_ROUTE = "/api/auth/sigin"
ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) (/[\w/.{}-]*)")


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def document(request: pytest.FixtureRequest) -> Path:
    """Return each document in turn."""
    path: Path = request.param
    return path


def test_links_lead_somewhere(document: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(_read(document)) if "://" not in link]

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_files_that_are_named_exist(document: Path) -> None:
    named = {code.rstrip("/") for code in CODE.findall(_read(document)) if FILE.fullmatch(code)}

    assert [name for name in sorted(named) if not any((folder / name).exists() for folder in FOLDERS)] == []


def test_settings_that_are_named_exist(document: Path) -> None:
    names = {name for code in _code(document) for name in SETTING.findall(code)}
    known = {name.upper() for name in Settings.model_fields} | OTHER_NAMES

    assert sorted(names - known) == []


def test_commands_that_are_named_exist(document: Path) -> None:
    group = typer.main.get_group(command_line)
    named = {name for code in _code(document) for name in COMMAND.findall(code)}

    assert sorted(named - set(group.commands)) == []


def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for code in _code(document) for name in TARGET.findall(code)}

    assert sorted(named - targets) == []


def test_error_codes_that_are_named_exist(document: Path) -> None:
    named = set(ERROR_CODE.findall(_read(document)))

    assert sorted(named - {error.code for error in all_errors()}) == []


def test_routes_that_are_named_exist(document: Path) -> None:
    app = create_app(Settings.model_construct(secret_key=SecretStr("only for describing the routes")))
    paths = {*app.openapi()["paths"], UNLISTED_ROUTE}
    named = {path for code in CODE.findall(_read(document)) for path in ROUTE.findall(code)}

    assert sorted(named - paths) == []


def test_architecture_names_every_folder_of_the_package() -> None:
    architecture = (CHECKOUT / "docs/architecture.md").read_text(encoding="utf-8")
    package = CHECKOUT / "src/gatepost"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    rooms = {path.parent.name for path in package.glob("*/*/__init__.py") if path.parts[-3] in WINGS}

    assert sorted(name for name in folders | rooms if f" {name}/ " not in architecture.replace("\n", " ")) == []


def test_copies_are_made_of_the_folder_that_is_the_default() -> None:
    folders = {path.parent for path in map(Path, re.findall(r"[\w./-]+/(?:gatepost\.db|secret_key)\b", _read(BACKUP)))}

    assert folders == {Settings.model_fields["data_dir"].default}


def test_licence_is_told_alike_everywhere() -> None:
    project = tomllib.loads(_read(CHECKOUT / "pyproject.toml"))["project"]
    client = json.loads(_read(CHECKOUT / "packages/js/package.json"))

    assert [*CHECKOUT.glob("LICEN*"), *CHECKOUT.glob("COPYING*")] == []
    # Without a licence nothing is to be published, and the registries refuse it.
    assert (project["license"], project["classifiers"]) == ("LicenseRef-Unlicensed", ["Private :: Do Not Upload"])
    assert (client["license"], client["private"]) == ("UNLICENSED", True)
    for readme in (CHECKOUT / "README.md", CHECKOUT / "packages/js/README.md"):
        assert "no licence has been chosen" in _read(readme).lower()


def test_contributing_names_every_folder_of_tests() -> None:
    contributing = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = {path.parts[len(CHECKOUT.parts) + 1] for path in CHECKOUT.glob("tests/*/**/test_*.py")}

    assert sorted(name for name in folders if f"`tests/{name}/`" not in contributing) == []


def _read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _code(document: Path) -> list[str]:
    text = _read(document)
    return [*CODE_BLOCK.findall(text), *CODE.findall(CODE_BLOCK.sub("", text))]
