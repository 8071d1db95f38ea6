"""The client for addresses of others: where it goes, how long it waits, what it takes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost.core.outbound import Cause, Outbound, OutboundError
from gatepost.core.outbound.client import Resolve
from tests.support.certificates import CertificateAuthority
from tests.support.providers.fake import Fault, misbehave
from tests.support.providers.internet import Internet
from tests.support.server import address, free_port, served

URL = "https://acme.example/path?a=b"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what came."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    request = Request(scope, receive)
    said = {"headers": dict(request.headers), "path": request.url.path, "form": (await request.body()).decode()}
    await JSONResponse(said | {"query": request.url.query})(scope, receive, send)


def internet(app: ASGIApp = echo) -> Internet:
    """Return an internet of one host."""
    return Internet({"acme.example": app})


async def refusal(outbound: Outbound, url: str = URL, *, named: str | None = None) -> OutboundError:
    """Return why a request is refused."""
    with pytest.raises(OutboundError) as refused:
        await outbound.request("GET", url, named=named)
    return refused.value


async def test_request_goes_to_the_checked_address_under_the_name_of_the_host() -> None:
    net = internet()

    answer = await net.outbound().request("POST", URL, form={"code": "a b"}, headers={"Authorization": "Bearer x"})

    said = answer.json()
    assert net.asked[0].url.host == "9.9.9.9"
    assert net.asked[0].extensions["sni_hostname"] == "acme.example"
    assert (said["path"], said["query"], said["form"]) == ("/path", "a=b", "code=a+b")
    assert said["headers"]["host"] == "acme.example"
    assert said["headers"]["authorization"] == "Bearer x"
    assert said["headers"]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"], ["9.9.9.9", "192.168.0.1"], []],
)
async def test_host_inside_the_network_is_not_asked(addresses: list[str]) -> None:
    net = internet()
    net.addresses["acme.example"] = addresses

    assert (await refusal(net.outbound())).cause is Cause.ADDRESS
    assert net.asked == []


async def test_address_is_not_looked_up_again_between_the_check_and_the_connection() -> None:
    looked_up: list[str] = []
    net = internet()

    async def rebinding(host: str, _: int) -> Sequence[str]:
        looked_up.append(host)
        return ["9.9.9.9"] if len(looked_up) == 1 else ["127.0.0.1"]

    outbound = net.outbound(resolve=rebinding)
    await outbound.request("GET", URL)

    assert (looked_up, net.asked[0].url.host) == (["acme.example"], "9.9.9.9")
    assert (await refusal(outbound)).cause is Cause.ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example/",
        "ftp://acme.example/",
        "//acme.example/",
        "acme.example",
        "https://user:secret@acme.example/",
        "https://acme.example\\@evil.example/",
        "https://acme.example:0/",
        "https://0x7f.1/",
        "https://[::1%25eth0]/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "",
    ],
)
async def test_address_that_is_not_https_or_not_public_is_refused(url: str) -> None:
    net = internet()
    net.addresses |= {"127.0.0.1": ["127.0.0.1"], "::ffff:a00:1": ["::ffff:10.0.0.1"]}

    error = await refusal(net.outbound(), url)

    assert error.cause is Cause.ADDRESS
    assert "secret" not in str(error)
    assert net.asked == []


async def test_host_that_the_operator_names_may_be_inside_the_network() -> None:
    net = internet()
    net.addresses["acme.example"] = ["10.0.0.1"]

    answer = await net.outbound().request("GET", URL, named="https://acme.example/realms/a")

    assert answer.is_success
    # Another port of the host is another service.
    assert (await refusal(net.outbound(), "https://acme.example:8443/", named=URL)).cause is Cause.ADDRESS
    assert (await refusal(net.outbound(), URL, named="https://other.example/")).cause is Cause.ADDRESS


async def test_http_is_for_a_named_host_on_this_machine_in_development() -> None:
    net = internet()
    net.addresses["acme.example"] = ["127.0.0.1", "::1"]
    url = "http://acme.example/"

    assert (await net.outbound(allows_http=True).request("GET", url, named=url)).is_success
    assert (await refusal(net.outbound(allows_http=False), url, named=url)).cause is Cause.ADDRESS
    assert (await refusal(net.outbound(allows_http=True), url)).cause is Cause.ADDRESS
    net.addresses["acme.example"] = ["10.0.0.1"]
    assert (await refusal(net.outbound(allows_http=True), url, named=url)).cause is Cause.ADDRESS


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault.LARGE, Cause.TOO_LARGE),
        (Fault.LARGE_COMPRESSED, Cause.ENCODED),
        (Fault.REDIRECT, Cause.REDIRECT),
        (Fault.SILENT, Cause.TIMEOUT),
        (Fault.SLOW, Cause.TIMEOUT),
    ],
)
async def test_answer_that_is_too_much_for_us_over_a_real_connection(fault: Fault, cause: Cause) -> None:
    async with served(_app(misbehave(fault))) as url:
        outbound = Outbound(allows_http=True, seconds=0.5 if cause is Cause.TIMEOUT else 60)

        error = await refusal(outbound, url, named=url)

    assert error.cause is cause
    assert (outbound.requests, outbound.failures) == (1, 1)


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.NOT_JSON])
async def test_answer_that_is_not_strict_json_of_its_type_is_no_json(fault: Fault) -> None:
    answer = await internet(_app(misbehave(fault))).outbound().request("GET", URL)

    with pytest.raises(OutboundError) as refused:
        answer.json()
    assert refused.value.cause is Cause.NOT_JSON


async def test_answer_of_the_largest_size_is_taken() -> None:
    largest = Response(b" " * (256 * 1024 - 2) + b"{}", media_type="application/json")

    assert (await internet(_app(largest)).outbound().request("GET", URL)).json() == {}


async def test_next_address_is_tried_where_nothing_listens_at_the_first() -> None:
    async with served(echo) as url:
        # 127.0.0.2 is this machine, too, and nobody listens there.
        outbound = Outbound(allows_http=True, resolve=_always("127.0.0.2", "127.0.0.1"), seconds=60)

        assert (await outbound.request("GET", url, named=url)).is_success


async def test_failures_of_the_network_are_told_in_words() -> None:
    with free_port() as listener:
        url = address(listener)
    outbound = Outbound(allows_http=True, seconds=60)

    nobody = await refusal(outbound, url, named=url)
    unknown = await refusal(internet().outbound(), "https://nowhere.example/")

    assert (nobody.cause, "nothing listens at" in str(nobody)) == (Cause.NETWORK, True)
    assert str(unknown) == "the host nowhere.example is unknown: no address was found for it"


async def test_time_counts_from_the_look_up_of_the_name() -> None:
    async def never(_: str, __: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    assert (await refusal(Outbound(seconds=0.1, resolve=never))).cause is Cause.TIMEOUT


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with served(echo) as url:
        assert (await Outbound(allows_http=True, seconds=60).request("GET", url, named=url)).is_success


async def test_certificate_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = CertificateAuthority(tmp_path, "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async with _tls_server(*authority.issue("acme", "acme.example")) as port:
        outbound = Outbound(resolve=_always("127.0.0.1"), seconds=60)
        right, wrong = f"https://acme.example:{port}/", f"https://other.example:{port}/"

        assert (await outbound.request("GET", right, named=right)).json() == {}
        refused = await refusal(outbound, wrong, named=wrong)

    assert refused.cause is Cause.NETWORK
    assert "the certificate of other.example" in str(refused)


async def test_connection_of_one_name_does_not_serve_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = CertificateAuthority(tmp_path, "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async with _tls_server(*authority.issue("acme", "acme.example")) as port:
        outbound = Outbound(resolve=_always("127.0.0.1"), seconds=60)
        right, wrong = f"https://acme.example:{port}/", f"https://other.example:{port}/"

        answers = await asyncio.gather(
            *(outbound.request("GET", url, named=url) for url in [right, wrong] * 5), return_exceptions=True
        )

    assert [isinstance(answer, OutboundError) for answer in answers] == [False, True] * 5


async def test_failure_is_logged_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gatepost")
    outbound = internet(_app(misbehave(Fault.REDIRECT))).outbound()

    with pytest.raises(OutboundError):
        await outbound.request("POST", "https://acme.example/hook/s3cret?k=s3cret", form={"client_secret": "s3cret"})

    assert "acme.example answers with a redirect" in caplog.text
    assert "s3cret" not in caplog.text


def _app(answer: Response) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(scope, receive, send)
        else:
            await _lifespan(receive, send)

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


def _always(*addresses: str) -> Resolve:
    async def resolve(_: str, __: int) -> Sequence[str]:
        return addresses

    return resolve


@asynccontextmanager
async def _tls_server(certificate: Path, key: Path) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(with_body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
