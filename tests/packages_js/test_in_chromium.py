"""packages/js in pages at http://localhost:8081, the service at http://localhost:8080: tabs, cookies, losses."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as Path
from starlette.staticfiles import StaticFiles

from tests.packages_js.conftest import PACKAGE, REFRESH, Network
from tests.support.api import PASSWORD
from tests.support.authenticators import authenticator
from tests.support.browser import chromium
from tests.support.server import address, free_port, served

pytestmark = pytest.mark.browser

API = "http://localhost:8080"
APP = "http://localhost:8081"
BOARD = "/api/test/user"
PASSKEYS = "/api/users/me/passkeys"
PROOF = f"{{ method: 'password', password: '{PASSWORD}' }}"
NEW_PASSWORD = """
{ method: "POST", headers: { "Content-Type": "application/json" }, body: '{"newPassword": "another horse"}' }
"""
# A page whose client the tests call; `heard` is whom it was told of.
START = """
<!doctype html><title>An app</title><script type="module">
  import { createClient } from "/client/client.js";
  import { createPasskeys } from "/client/passkeys.js";
  const transport = location.hash.slice(1);
  // How long an answer may take is for the tests to say, whatever the speed of the machine.
  const FOREVER = 123456789;
  const real = setTimeout;
  const waiting = [];
  window.setTimeout = (work, time, ...rest) => (time === FOREVER ? waiting.push(work) : real(work, time, ...rest));
  window.giveUp = () => waiting.splice(0).forEach((work) => work());
  window.heard = [];
  // When passkeys were made, and when the browser was told which are good, and which those are.
  window.made = [];
  window.told = [];
  const create = navigator.credentials.create.bind(navigator.credentials);
  navigator.credentials.create = (options) => made.push(Date.now()) && create(options);
  PublicKeyCredential.signalAllAcceptedCredentials = async ({ allAcceptedCredentialIds: ids }) =>
    told.push({ at: Date.now(), ids });
  window.gatepost = createClient({ baseUrl: "http://localhost:8080/", transport, refreshTimeout: FOREVER });
  window.passkeys = createPasskeys(gatepost);
  gatepost.onChange((user) => heard.push(user && user.username));
  window.statuses = async (count, path) =>
    (await Promise.all(Array.from({ length: count }, () => gatepost.fetch(path)))).map(({ status }) => status);
  window.failure = (work) => work().then(() => null, (error) => error.code ?? error.name);
</script>
"""
WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
WITHOUT_STORAGE = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
)


class Tab:
    """A page of the app, with its client."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def do(self, script: str, argument: Any = None) -> Any:
        """Run a script in the page; return its value."""
        return await self.page.evaluate(script, argument)

    async def sign_up(self, name: str, *, heard_by: Iterable["Tab"] = ()) -> None:
        """Make an account and be signed in; other tabs have heard of it, and asked who it is."""
        account = {"username": name, "email": f"{name.lower()}@example.com", "password": PASSWORD}
        assert (await self.do("account => gatepost.signUp(account)", account))["username"] == name
        for other in heard_by:
            await other.page.wait_for_function("name => gatepost.user?.username === name", arg=name)

    async def statuses(self, count: int = 1, path: str = BOARD) -> list[int]:
        """Return the statuses of as many calls at once."""
        found: list[int] = await self.do("([count, path]) => statuses(count, path)", [count, path])
        return found

    async def hears(self, *names: str | None) -> None:
        """Wait until the client has told of these people, in this order; "?" is that it is not known yet."""
        heard = (
            "names => JSON.stringify(heard.map((name) => name === undefined ? '?' : name)) === JSON.stringify(names)"
        )
        await self.page.wait_for_function(heard, arg=list(names))


Open = Callable[..., Awaitable[list[Tab]]]


@pytest.fixture(scope="module")
async def browser_and_places() -> AsyncIterator[tuple[Browser, Any, Any]]:
    """Give one browser for all tests, and the sockets that its two addresses lead to."""
    with free_port() as api, free_port() as pages:
        async with chromium(localhost_8080=address(api), localhost_8081=address(pages)) as browser:
            yield browser, api, pages


@pytest.fixture(params=["cookie", "token"])
def transport(request: pytest.FixtureRequest) -> str:
    """Return each transport."""
    transport: str = request.param
    return transport


@pytest.fixture
async def open_tabs(browser_and_places: tuple[Browser, Any, Any], network: Network) -> AsyncIterator[Open]:
    """Give what opens tabs of one browser profile; `script` runs in each before anything else."""
    browser, api, pages = browser_and_places
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served(network, api))
        await stack.enter_async_context(served(_pages(), pages))
        context: BrowserContext = await browser.new_context()
        stack.push_async_callback(context.close)

        async def open_tabs(transport: str, *, count: int = 2, script: str | None = None) -> list[Tab]:
            if script:
                await context.add_init_script(script)
            tabs = []
            for _ in range(count):
                page = await context.new_page()
                await page.goto(f"{APP}/#{transport}")
                await page.wait_for_function("() => window.failure !== undefined")
                tabs.append(Tab(page))
            return tabs

        yield open_tabs


async def test_one_refresh_serves_every_call_of_every_tab(open_tabs: Open, network: Network, transport: str) -> None:
    tabs = await open_tabs(transport, count=3)
    await tabs[0].sign_up("Abbey", heard_by=tabs)
    for _ in range(3):
        await network.wait(hours=24, seconds=1)
        network.calls.clear()
        # Begun in all tabs before any of them is waited for.
        for tab in tabs:
            await tab.do("path => { window.under_way = statuses(20, path) }", BOARD)

        found = [await tab.do("under_way") for tab in tabs]

        assert found == [[200] * 20] * 3
        assert network.refreshes() == [f"200 {REFRESH}"]


async def test_tabs_without_locks_refresh_at_once_and_all_stay_signed_in(
    open_tabs: Open, network: Network, transport: str
) -> None:
    one, other = await open_tabs(transport, script=WITHOUT_LOCKS)
    assert await one.do("navigator.locks") is None
    await one.sign_up("Abbey", heard_by=[other])
    for _ in range(3):
        await network.wait(hours=24, seconds=1)
        network.spoil(REFRESH, "held", "held")
        network.calls.clear()
        for tab in (one, other):
            await tab.do("path => { window.under_way = statuses(5, path) }", BOARD)
        while len(network.refreshes()) < 2:
            await network.reached.wait()
            await one.page.wait_for_timeout(10)
        network.released.set()

        assert [await tab.do("under_way") for tab in (one, other)] == [[200] * 5] * 2


async def test_signing_in_and_out_is_heard_in_every_tab(open_tabs: Open, transport: str) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey")
    await other.hears(*(["Abbey"] if transport == "cookie" else ["?", "Abbey"]))

    await other.do("gatepost.signOut()")

    await one.hears("Abbey", None)
    assert await one.statuses() == [401]
    await other.do("heard.length = 0")
    await one.sign_up("Heba")
    await other.hears("?", "Heba")
    assert await other.do("gatepost.user.username") == "Heba"
    await other.do("window.heard = []")
    await one.sign_up("Zoe")
    await other.hears("?", "Zoe")


async def test_reload_finds_the_person_again(open_tabs: Open, network: Network, transport: str) -> None:
    [tab] = await open_tabs(transport, count=1)
    await tab.sign_up("Abbey")
    await network.wait(hours=24, seconds=1)
    await tab.page.reload()
    await tab.page.wait_for_function("() => window.failure !== undefined")

    assert await tab.do("[gatepost.isRemembered, String(gatepost.user)]") == [True, "undefined"]
    assert (await tab.do("gatepost.session()"))["username"] == "Abbey"
    kept = await tab.do("JSON.stringify({ ...localStorage })")
    assert ("accessToken" in kept) == (transport == "token")
    assert "Abbey" not in kept


async def test_answer_to_a_refresh_that_is_lost_costs_nothing(
    open_tabs: Open, network: Network, transport: str
) -> None:
    [tab] = await open_tabs(transport, count=1)
    await tab.sign_up("Abbey")

    for fault in ("lost", "held", "unheard"):
        await network.wait(hours=24, seconds=1)
        network.spoil(REFRESH, fault)
        await tab.do("path => { window.under_way = statuses(3, path) }", BOARD)
        if fault != "lost":
            await network.reached.wait()
            await tab.do("giveUp()")
        assert await tab.do("under_way") == [200] * 3, fault
        network.released.set()
    # The grace of each is long over.
    await network.wait(hours=24, seconds=1)
    assert await tab.statuses() == [200]


async def test_refresh_that_fails_signs_nobody_out(open_tabs: Open, network: Network, transport: str) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey", heard_by=[other])
    await network.wait(hours=24, seconds=1)
    for fault, code in (("500", "failed"), ("429", "failed"), ("portal", "unexpected_answer")):
        network.spoil(REFRESH, fault)
        assert await one.do("path => failure(() => gatepost.fetch(path))", BOARD) == code
    await one.page.context.set_offline(True)
    assert await one.do("failure(() => gatepost.refresh())") == "unreachable"
    await one.page.context.set_offline(False)

    assert await one.do("gatepost.user.username") == "Abbey"
    assert await one.statuses() == [200]
    assert await other.statuses() == [200]


async def test_ended_session_is_told_in_every_tab_and_leaves_nothing(
    open_tabs: Open, network: Network, transport: str
) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey", heard_by=[other])
    await other.do("heard.length = 0")
    await network.wait(days=31)
    network.calls.clear()

    assert await one.statuses(5) == [401] * 5

    await other.hears(None)
    await one.hears("Abbey", None)
    assert await one.statuses(2) + await other.statuses(2) == [401] * 4
    assert network.refreshes() == [f"403 {REFRESH}"]
    assert await one.do("localStorage.length") == 0
    assert not {cookie["name"] for cookie in await one.page.context.cookies()} - {"gatepost_device"}


async def test_sign_out_wins_over_a_refresh_that_is_under_way(
    open_tabs: Open, network: Network, transport: str
) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey", heard_by=[other])
    await network.wait(hours=24, seconds=1)
    for leaving in (one, other):
        network.spoil(REFRESH, "held")
        await one.do("path => { window.under_way = statuses(1, path) }", BOARD)
        await network.reached.wait()
        await leaving.do("gatepost.signOut()")
        network.released.set()

        assert await one.do("under_way") == [401]
        assert await one.do("gatepost.user") is None
        assert await one.do("localStorage.length") == 0
        assert await other.statuses() == [401]
        assert await one.do("gatepost.session()") is None
        await one.sign_up(f"Heba{leaving is one}", heard_by=[other])
        await network.wait(hours=24, seconds=1)


async def test_sign_out_wins_over_sign_ins_that_are_under_way_or_wait(
    open_tabs: Open, network: Network, transport: str
) -> None:
    [tab] = await open_tabs(transport, count=1)
    await tab.sign_up("Abbey")
    network.spoil("/api/auth/signin", "held")
    enter = f"failure(() => gatepost.signIn({{ username: 'Abbey', password: '{PASSWORD}' }}))"
    await tab.do(f"() => {{ window.entering = Promise.all([{enter}, {enter}]) }}")
    await network.reached.wait()

    await tab.do("gatepost.signOut()")
    network.released.set()

    assert await tab.do("entering") == ["unreachable", "unreachable"]
    assert await tab.do("gatepost.session()") is None
    assert await tab.statuses() == [401]


async def test_proof_beside_a_refresh_of_another_tab_costs_neither(
    open_tabs: Open, network: Network, transport: str
) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey", heard_by=[other])
    await network.wait(minutes=6)
    network.spoil(REFRESH, "held")
    await one.do("() => { window.under_way = gatepost.refresh() }")
    await network.reached.wait()
    network.calls.clear()
    await other.do(f"() => {{ window.under_way = gatepost.reauthenticate({PROOF}) }}")
    # Enough for a proof that does not wait.
    for _ in range(50):
        await other.do("fetch('http://localhost:8080/healthz').catch(() => {})")
    network.released.set()
    await one.do("under_way")
    await other.do("under_way")

    # The tokens that both tabs have now know of the proof.
    change = f"gatepost.fetch('/api/auth/password/change', {NEW_PASSWORD}).then(({{ status }}) => status)"
    assert await other.do(change) == 204
    assert "200 /api/auth/reauthenticate" in network.calls
    # The grace of the token of before is over.
    await network.wait(hours=24, seconds=1)
    assert await one.statuses() + await other.statuses() == [200, 200]


async def test_sign_out_without_a_network_holds_here_and_is_made_up_for(open_tabs: Open, network: Network) -> None:
    one, other = await open_tabs("cookie")
    await one.sign_up("Abbey", heard_by=[other])
    await one.page.context.set_offline(True)
    assert await one.do("failure(() => gatepost.signOut())") == "unreachable"
    await other.page.wait_for_function("gatepost.user === null")
    await one.page.context.set_offline(False)

    # The browser has the cookies still, and neither tab uses them.
    assert "gatepost_access" in {cookie["name"] for cookie in await one.page.context.cookies()}
    assert await one.statuses() + await other.statuses() == [401, 401]
    assert await other.do("gatepost.isRemembered") is False
    network.calls.clear()
    assert await other.do("gatepost.session()") is None

    assert network.calls == ["204 /api/auth/signout"]
    assert not {cookie["name"] for cookie in await one.page.context.cookies()} - {"gatepost_device"}
    # What a tab has stored, another one sees a moment later.
    await one.page.wait_for_function("localStorage.length === 0")


async def test_sign_out_that_was_lost_is_made_up_for_when_a_page_is_loaded(open_tabs: Open, network: Network) -> None:
    [tab] = await open_tabs("cookie", count=1)
    await tab.sign_up("Abbey")
    network.spoil("/api/auth/signout", "500")
    assert await tab.do("failure(() => gatepost.signOut())") == "failed"
    network.calls.clear()

    await tab.page.reload()

    await tab.page.wait_for_function("() => window.gatepost && localStorage.length === 0")
    assert network.calls == ["204 /api/auth/signout"]
    assert await tab.do("gatepost.user") is None
    assert not {cookie["name"] for cookie in await tab.page.context.cookies()} - {"gatepost_device"}


async def test_sign_out_that_is_made_up_for_takes_nothing_from_a_sign_in_of_another_tab(
    open_tabs: Open, network: Network
) -> None:
    [one] = await open_tabs("cookie", count=1)
    await one.sign_up("Abbey")
    network.spoil("/api/auth/signout", "500")
    assert await one.do("failure(() => gatepost.signOut())") == "failed"
    network.spoil("/api/auth/signin", "held")
    await one.do(f"() => {{ window.under_way = gatepost.signIn({{ username: 'Abbey', password: '{PASSWORD}' }}) }}")
    await network.reached.wait()
    network.calls.clear()

    # When it is loaded, it asks who is there.
    [other] = await open_tabs("cookie", count=1)
    network.released.set()
    assert (await one.do("under_way"))["username"] == "Abbey"
    assert (await other.do("gatepost.session()"))["username"] == "Abbey"

    assert "204 /api/auth/signout" not in network.calls
    assert await one.statuses() + await other.statuses() == [200, 200]


async def test_page_that_is_left_at_once_has_signed_out(open_tabs: Open, network: Network, transport: str) -> None:
    one, other = await open_tabs(transport)
    await one.sign_up("Abbey", heard_by=[other])
    token = await one.do("JSON.parse(Object.values(localStorage)[0]).accessToken ?? null")

    await one.do("() => { gatepost.signOut(); location.assign('about:blank') }")

    await one.page.wait_for_url("about:blank")
    while "204 /api/auth/signout" not in network.calls:
        await other.page.wait_for_timeout(10)
    if token:
        headers = {"Authorization": f"Bearer {token}"}
        assert (
            await other.do("h => gatepost.fetch('/api/test/user', { headers: h }).then((a) => a.status)", headers)
            == 401
        )
    assert await other.do("gatepost.session()") is None


async def test_browser_that_forbids_storage_is_signed_in_as_long_as_the_page_is_open(
    open_tabs: Open, network: Network, transport: str
) -> None:
    [tab] = await open_tabs(transport, count=1, script=WITHOUT_STORAGE)
    await tab.sign_up("Abbey")
    await network.wait(hours=24, seconds=1)

    assert await tab.statuses(5) == [200] * 5

    await tab.do("gatepost.signOut()")
    assert await tab.statuses() == [401]


async def test_cookies_that_came_from_elsewhere_sign_the_page_in(open_tabs: Open, network: Network) -> None:
    [tab] = await open_tabs("cookie", count=1)
    await tab.sign_up("Abbey")
    await tab.do("localStorage.clear()")
    await network.wait(hours=24, seconds=1)
    await tab.page.context.clear_cookies(name="gatepost_access")
    await tab.page.reload()
    await tab.page.wait_for_function("() => window.failure !== undefined")

    assert await tab.do("gatepost.isRemembered") is False
    assert (await tab.do("gatepost.session()"))["username"] == "Abbey"
    assert await tab.do("gatepost.isRemembered") is True


async def test_wrong_password_is_told_and_starts_no_refresh(open_tabs: Open, network: Network, transport: str) -> None:
    [tab] = await open_tabs(transport, count=1)
    await tab.sign_up("Abbey")
    network.calls.clear()

    wrong = "() => failure(() => gatepost.signIn({ username: 'Abbey', password: 'wrong horse' }))"
    assert await tab.do(wrong) == "invalid_credentials"

    assert network.calls == ["401 /api/auth/signin"]
    assert await tab.statuses() == [200]


async def test_passkey_is_made_once_a_list_of_another_tab_is_told(open_tabs: Open, network: Network) -> None:
    one, other = await open_tabs("cookie")
    await _with_a_passkey(one, other, network)
    network.spoil(PASSKEYS, "held")
    await other.do("() => { window.under_way = passkeys.list() }")
    await network.reached.wait()
    await one.do("() => { made.length = 0; window.under_way = passkeys.add() }")
    # Enough for one that does not wait.
    for _ in range(50):
        await one.do("fetch('http://localhost:8080/healthz').catch(() => {})")
    network.released.set()
    await other.do("under_way")
    await one.do("under_way")

    [told] = await other.do("told")
    assert len(told["ids"]) == 1
    assert told["at"] <= (await one.do("made"))[0]


async def test_browser_is_told_of_no_list_while_another_tab_adds_a_passkey(open_tabs: Open, network: Network) -> None:
    one, other = await open_tabs("cookie")
    await _with_a_passkey(one, other, network)
    network.spoil(PASSKEYS, "held")
    await one.do("() => { window.under_way = passkeys.add() }")
    await network.reached.wait()

    assert len((await other.do("passkeys.list()"))["passkeys"]) == 2
    assert await other.do("told") == []

    network.released.set()
    added = await one.do("under_way")
    await other.do("passkeys.list()")
    [told] = await other.do("told")
    assert len(told["ids"]) == 2
    assert added["credentialId"] in told["ids"]


async def _with_a_passkey(one: Tab, other: Tab, network: Network) -> None:
    """Sign up and add a passkey in a tab, whose next one is another authenticator's."""
    await one.sign_up("Abbey", heard_by=[other])
    await network.verify(await one.do("gatepost.user.id"))
    # A browser has ceremonies in the tab that people look at.
    await one.page.bring_to_front()
    device = await authenticator(one.page)
    await one.do(f"passkeys.add({{ password: '{PASSWORD}' }})")
    await device.leave()
    await authenticator(one.page)


def _pages() -> Starlette:
    async def page(_: Request) -> Response:
        return HTMLResponse(START)

    return Starlette(routes=[Path("/", page), Mount("/client", StaticFiles(directory=PACKAGE / "src"))])
