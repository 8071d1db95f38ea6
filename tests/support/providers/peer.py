"""npm's `oidc-provider` as a provider: a program of others, which knows nothing of our fakes."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.missing import lacking, program
from tests.support.server import address, free_port

SOURCE = Path(__file__).parents[2] / "peers/oidc_provider"
CLIENT_ID, CLIENT_SECRET = "gatepost", "a secret, with +/&% in it"
STOP_SECONDS = 20
MOST_STEPS = 12
ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
PROMPT = re.compile(r'name="prompt" value="(\w+)"')


def install_peer(folder: Path) -> Path:
    """Install the program into a folder and return it; skip, or fail in CI, where that is not possible."""
    program("node", package="Node.js 20 or newer")
    npm = program("npm", package="npm, such as Debian's npm")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    arguments = ("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
    result = subprocess.run([npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        lacking(f"npm cannot install oidc-provider: it needs the network. {result.stderr.strip()[-300:]}")
    return folder


@dataclass
class Peer:
    """The running program: its issuer, and how to start it again with new keys."""

    issuer: str
    folder: Path
    redirect_uris: tuple[str, ...]
    process: subprocess.Popen[str]

    def start_again(self) -> None:
        """Stop it, and start it at the same address with new keys."""
        _stop(self.process)
        self.process = _start(self.folder, self.issuer, self.redirect_uris)


@contextmanager
def running_peer(folder: Path, *redirect_uris: str) -> Iterator[Peer]:
    """Run the program on a free port of this machine, until the block ends."""
    with free_port() as listener:
        issuer = address(listener)
    peer = Peer(issuer, folder, redirect_uris, _start(folder, issuer, redirect_uris))
    try:
        yield peer
    finally:
        _stop(peer.process)


async def sign_in_at_peer(url: str, login: str, *, refuses: bool = False) -> str:
    """Go through the pages of the program without a browser, and return where it sends the person back to."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(url)
        for _ in range(MOST_STEPS):
            if page.is_redirect:
                there = page.headers["location"]
                if not there.startswith(("/", url.partition("/auth")[0])):
                    return str(there)
                page = await browser.get(httpx.URL(url).join(there))
            elif refuses and (abort := re.search(r'href="([^"]+/abort)"', page.text)):
                page = await browser.get(httpx.URL(url).join(abort[1]))
            else:
                action, prompt = ACTION.search(page.text), PROMPT.search(page.text)
                assert action is not None, page.text
                assert prompt is not None, page.text
                form = {"prompt": prompt[1], "login": login, "password": "any"}
                page = await browser.post(httpx.URL(url).join(action[1]), data=form)
    raise AssertionError("the pages never end")


def _start(folder: Path, issuer: str, redirect_uris: tuple[str, ...]) -> subprocess.Popen[str]:
    port = issuer.rpartition(":")[2]
    process = subprocess.Popen(
        [
            program("node", package="Node.js 20 or newer"),
            "provider.mjs",
            port,
            CLIENT_ID,
            CLIENT_SECRET,
            *redirect_uris,
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n", "oidc-provider did not start"
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    process.kill()
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
