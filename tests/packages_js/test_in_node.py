"""packages/js in Node, by tokens, against the service; each file of tests beside has a service of its own."""

import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.packages_js.conftest import PACKAGE, Network
from tests.support.missing import lacking, program
from tests.support.server import served

FOLDER = Path(__file__).parent / "node"
PEERS = {"react": "19.3.1", "react-dom": "19.3.1", "react-test-renderer": "19.3.1", "vue": "3.5.45"}

pytestmark = pytest.mark.node


@pytest.mark.parametrize("name", ["sessions", "fetch", "step-up", "passkeys"])
async def test_client_in_node(network: Network, run_node: Callable[..., Awaitable[str]], name: str) -> None:
    async with served(network) as url:
        output = await run_node(FOLDER / f"{name}.test.js", cwd=FOLDER, GATEPOST_URL=url)

    assert "# fail 0" in output
    assert "# skipped 0" in output


async def test_adapters_work_with_the_real_react_and_vue(
    run_node: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    npm = program("npm", package="npm, such as Debian's npm")
    dependencies = {**PEERS, "@gatepost/client": f"file:{PACKAGE}"}
    (tmp_path / "package.json").write_text(json.dumps({"type": "module", "dependencies": dependencies}))
    arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--install-links")
    result = subprocess.run([npm, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        lacking(f"npm cannot install {', '.join(PEERS)}: it needs the network. {result.stderr.strip()[-300:]}")
    shutil.copy(FOLDER / "adapters.test.js", tmp_path)

    output = await run_node(tmp_path / "adapters.test.js", cwd=tmp_path)

    assert "# pass 4" in output
