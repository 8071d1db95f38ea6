"""What the documents name exists: links, files, commands, settings, error codes, routes."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from gatepost.cli.commands import COMMANDS
from gatepost.core.errors import all_errors
from gatepost.core.settings import Settings
from gatepost.core.settings.env_file import RENAMED
from gatepost.http.server import protocol  # noqa: F401  its errors are listed once it is loaded, as the server does
from gatepost.identity.providers.reading import is_provider_variable
from tests.support.contract import operations

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
    "MYSQL_DATABASE", "ALL_DATABASES",
}  # fmt: skip
# A service of docker-compose.yml has the name of the command: `docker compose exec gatepost gatepost …`.
COMMAND = re.compile(r"\bgatepost (?!gatepost)([a-z][a-z-]+)")
TARGET = re.compile(r"\bmake ([a-z]+)")
ERROR_CODE = re.compile(r"\b40\d `([a-z]+(?:_[a-z]+)+)`")
# An old spelling, and where other providers lead browsers back to.
UNLISTED_ROUTES = {"/api/auth/sigin", "/api/auth/providers/{name}/callback"}
ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) (/[\w/.{}-]*)")


def test_links_lead_somewhere() -> None:
    assert in_vain(lambda document: [link for link in _links(document) if not (document.parent / link).exists()]) == {}


def test_files_that_are_named_exist() -> None:
    def missing(document: Path) -> Iterable[str]:
        named = {code.rstrip("/") for code in CODE.findall(_read(document)) if FILE.fullmatch(code)}
        return [name for name in sorted(named) if not any((folder / name).exists() for folder in FOLDERS)]

    assert in_vain(missing) == {}


def test_settings_that_are_named_exist() -> None:
    known = {name.upper() for name in Settings.model_fields} | OTHER_NAMES | RENAMED.keys()

    def unknown(document: Path) -> Iterable[str]:
        return {name for name in _named(SETTING, document) - known if not is_provider_variable(name)}

    assert in_vain(unknown) == {}


def test_commands_that_are_named_exist() -> None:
    assert in_vain(lambda document: _named(COMMAND, document) - COMMANDS.keys()) == {}


def test_make_targets_that_are_named_exist() -> None:
    known = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert in_vain(lambda document: _named(TARGET, document) - known) == {}


def test_error_codes_that_are_named_exist() -> None:
    known = {error.code for error in all_errors()}

    assert in_vain(lambda document: set(ERROR_CODE.findall(_read(document))) - known) == {}


def test_routes_that_are_named_exist() -> None:
    known = {path for operation in operations() for path in operation.split()[1:]} | UNLISTED_ROUTES

    def unknown(document: Path) -> Iterable[str]:
        return {path for code in CODE.findall(_read(document)) for path in ROUTE.findall(code)} - known

    assert in_vain(unknown) == {}


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


def in_vain(named: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """Return what each document names that is not there, by the document's name."""
    assert len(DOCUMENTS) > 50
    found = {str(document.relative_to(CHECKOUT)): sorted(named(document)) for document in DOCUMENTS}
    return {name: missing for name, missing in found.items() if missing}


@cache
def _read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _links(document: Path) -> list[str]:
    return [link.partition("#")[0] for link in LINK.findall(_read(document)) if "://" not in link]


def _named(pattern: re.Pattern[str], document: Path) -> set[str]:
    """Return what the code in a document names."""
    text = _read(document)
    code = [*CODE_BLOCK.findall(text), *CODE.findall(CODE_BLOCK.sub("", text))]
    return {name for one in code for name in pattern.findall(one)}
