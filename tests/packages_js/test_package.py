"""What `npm pack` would publish."""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from gatepost import __version__
from gatepost.console.assets import client_folder
from tests.packages_js.conftest import PACKAGE
from tests.support.missing import program

KIB = 1024
# What those load who use passkeys.
PASSKEYS = ("src/passkeys.js", "src/webauthn.js")
SOURCES = ("src/calls.js", "src/client.js", "src/error.js", "src/locks.js", "src/store.js", "src/ways.js", *PASSKEYS)
TYPES = ("react.d.ts", "src/client.d.ts", "src/passkeys.d.ts", "vue.d.ts")
MANIFEST = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
IMPORT = re.compile(r"""(?:from|import\() ?["']([^"']+)["']""")


def test_scripts_are_under_eight_kib_together_and_under_eleven_with_passkeys() -> None:
    scripts = {path: path.read_bytes() for path in sorted([*PACKAGE.glob("*.js"), *PACKAGE.glob("src/*.js")])}
    without = {path: script for path, script in scripts.items() if f"src/{path.name}" not in PASSKEYS}
    assert len(scripts) - len(without) == len(PASSKEYS)

    assert len(gzip.compress(b"".join(without.values()), 9)) < 8 * KIB
    assert len(gzip.compress(b"".join(scripts.values()), 9)) < 11 * KIB


@pytest.mark.node
def test_package_holds_these_files_and_no_others() -> None:
    npm = program("npm", package="npm, such as Debian's npm")
    command = [npm, "pack", "--dry-run", "--json", "--ignore-scripts", "--offline"]
    result = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    packed = json.loads(result.stdout)
    [package] = packed.values() if isinstance(packed, dict) else packed

    assert (package["name"], package["version"]) == ("@gatepost/client", __version__)
    names = sorted(file["path"] for file in package["files"])
    assert names == sorted(["README.md", "package.json", "react.js", "vue.js", *SOURCES, *TYPES])


def test_every_way_in_is_a_file_with_types() -> None:
    for name, entry in MANIFEST["exports"].items():
        assert list(entry) == ["types", "default"], name
        for file in entry.values():
            assert (PACKAGE / file).is_file(), file


def test_package_depends_on_nothing() -> None:
    assert not {"dependencies", "bundledDependencies", "optionalDependencies", "scripts"} & MANIFEST.keys()
    assert all(peer == {"optional": True} for peer in MANIFEST["peerDependenciesMeta"].values())
    assert MANIFEST["peerDependencies"].keys() == MANIFEST["peerDependenciesMeta"].keys()

    def outside(path: Path) -> set[str]:
        return {name for name in IMPORT.findall(path.read_text(encoding="utf-8")) if not name.startswith("./")}

    found = {name: outside(PACKAGE / name) for name in (*SOURCES, "react.js", "vue.js")}
    assert found == {**{name: set() for name in SOURCES}, "react.js": {"react"}, "vue.js": {"vue"}}


def test_pages_have_the_client_of_the_package() -> None:
    assert client_folder() == PACKAGE / "src"
