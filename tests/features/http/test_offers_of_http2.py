"""Clients that offer HTTP/2 over plain HTTP with each request: the JDK's by default, curl where it is asked to."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.support.api import PASSWORD, Api
from tests.support.missing import program
from tests.support.server import served

CREDENTIALS = json.dumps({"username": "Abbey Salami", "password": PASSWORD})
JAVA = """
import java.net.URI;
import java.net.http.*;

class SignIn {
    public static void main(String[] given) throws Exception {
        var client = HttpClient.newHttpClient();
        // Twice: the second one goes over the connection of the first.
        for (int i = 0; i < 2; i++) {
            var request = HttpRequest.newBuilder(URI.create(given[0])).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(given[1])).build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body());
        }
    }
}
"""


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need."""
    return sqlite_url


@pytest.fixture
async def url(services: Services) -> AsyncIterator[str]:
    """Give the address of a service where somebody has an account."""
    async with served(create_app(services=services)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            await Api(client).sign_up()
        yield url


async def test_curl_signs_in(url: str) -> None:
    curl = program("curl", package="curl")
    signin = f"{url}/api/auth/signin"
    given = ("-sS", "--http2", "-H", "Content-Type: application/json", "-d", CREDENTIALS, "-w", "\n%{http_code}\n")

    # Twice: the second one goes over the connection of the first.
    answer = await _output(curl, "--noproxy", "*", *given, signin, signin)

    assert answer.count('"accessToken"') == 2, answer
    assert answer.count("\n200\n") == 2, answer


async def test_the_jdk_signs_in(url: str, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("no JDK on the PATH: install one of 11 or newer (Debian: openjdk-17-jdk-headless)")
    source = tmp_path / "SignIn.java"
    source.write_text(JAVA, encoding="utf-8")

    answer = await _output(java, str(source), f"{url}/api/auth/signin", CREDENTIALS)

    lines = answer.splitlines()
    assert len(lines) == 2, answer
    for line in lines:
        assert line.startswith("200 HTTP_1_1 {"), answer
        assert '"accessToken"' in line, answer


async def _output(*command: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()
