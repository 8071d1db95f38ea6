"""`gatepost providers`: the other providers by which people can sign in."""

import asyncio
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import typer

from gatepost.cli.output import Json, Table, print_json
from gatepost.core.clock import SystemClock
from gatepost.core.origins import ON_THIS_MACHINE, origin_of
from gatepost.core.outbound import Outbound
from gatepost.core.settings import Settings, load_settings
from gatepost.identity.providers.building import build_providers
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.provider import Provider, ProviderUnavailable, callback_uri

app = typer.Typer(no_args_is_help=True, help="Other providers by which people can sign in.")


@app.command("list")
def list_providers(as_json: Json = False) -> None:
    """List the providers that are set up, with the callback address to enter at each."""
    settings = load_settings()
    rows = [
        {
            "name": provider.name,
            "kind": provider.kind,
            "title": provider.title,
            "callback": callback_uri(settings.base_url, provider.name),
        }
        for provider in _providers(settings)
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("NAME", "KIND", "TITLE", "CALLBACK")
    for row in rows:
        table.add(*row.values())
    table.end()


@app.command()
def check(as_json: Json = False) -> None:
    """Ask each provider for what a sign-in needs. The exit code is 1 if one of them would not work."""
    settings = load_settings()
    results = asyncio.run(check_all(settings))
    if as_json:
        print_json([{"name": name, "works": not problem, "text": problem or found} for name, found, problem in results])
    else:
        for name, found, problem in results:
            print(f"{'failure' if problem else 'ok':8} {name}: {problem or found}")
        if not results:
            print("none")
    if any(problem for _, _, problem in results):
        raise typer.Exit(1)


async def check_all(settings: Settings) -> list[tuple[str, str, str]]:
    """Return of each provider its name, what was found, and what is wrong; one of the two is empty."""
    return list(await asyncio.gather(*(_check(provider, settings) for provider in _providers(settings))))


async def _check(provider: Provider, settings: Settings) -> tuple[str, str, str]:
    callback = callback_uri(settings.base_url, provider.name)
    if problem := next(_problems(provider, callback), None):
        return provider.name, "", problem
    try:
        return provider.name, await provider.check(redirect_uri=callback), ""
    except ProviderUnavailable as error:
        return provider.name, "", str(error)


def _problems(provider: Provider, callback: str) -> Iterator[str]:
    """Yield why no provider, or not this one, would send the browser back to us."""
    is_here = ON_THIS_MACHINE.fullmatch(origin_of(callback)) is not None
    if provider.kind == Kind.APPLE and (is_here or urlsplit(callback).scheme != "https"):
        yield f"Apple takes only an https callback with a domain, and PUBLIC_URL makes it {callback}"
    if urlsplit(callback).scheme != "https" and not is_here:
        yield f"the callback {callback} is not https: set PUBLIC_URL"


def _providers(settings: Settings) -> Sequence[Provider]:
    outbound = Outbound(allows_http=not settings.in_production)
    return build_providers(settings, outbound, SystemClock()).listed
