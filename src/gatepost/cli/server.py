"""`gatepost serve`."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn

from gatepost.cli.running import running_services, tell_misspelt
from gatepost.core.logs.setup import logging_config
from gatepost.core.program import first_administrator_command
from gatepost.core.settings import Settings, load_settings
from gatepost.http.server.draining import grace_seconds
from gatepost.http.server.trusted_proxies import trusted_proxies
from gatepost.identity.accounts.guards import has_administrator
from gatepost.identity.accounts.policy import AccountPolicy

HEALTHCHECK_SECONDS = 60


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of PORT.", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes, instead of WORKERS.", min=1)] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the code changes. For development.")] = False,
) -> None:
    """Serve the API and its documentation."""
    # Workers read the settings themselves, so the options are passed in the environment.
    with _environment(HOST=host, PORT=port):
        settings = load_settings()
        _require_free_port(settings)
        tell_misspelt()
        has_admin = asyncio.run(_try(settings))
        _greet(settings, has_admin=has_admin)
        count = 1 if reload else workers or settings.workers
        with _shared_figures(settings, workers=count):
            _run(settings, workers=count, reload=reload)


def _run(settings: Settings, *, workers: int, reload: bool) -> None:
    uvicorn.run(
        "gatepost.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        reload=reload,
        loop="uvloop",
        # By name, so that it can be passed to workers.
        http="gatepost.http.server.protocol:GuardedProtocol",
        ws="none",
        lifespan="on",
        server_header=False,
        # RequestEnvelope writes the one line about each request.
        access_log=False,
        log_config=logging_config(settings),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=trusted_proxies(settings.trusted_proxies),
        # A worker answers the supervisor once all imports are done. On a busy machine this takes longer than uvicorn's
        # 5 s, and every worker would be killed before it can serve.
        timeout_worker_healthcheck=HEALTHCHECK_SECONDS,
        # uvicorn passes it to asyncio, which accepts fractions.
        timeout_graceful_shutdown=_grace(settings),  # type: ignore[arg-type]
    )


def _grace(settings: Settings) -> float:
    return grace_seconds(settings.drain_seconds, total_seconds=settings.shutdown_seconds)


@contextmanager
def _shared_figures(settings: Settings, *, workers: int) -> Iterator[None]:
    """Create a folder for the metrics of the workers. A single worker needs none."""
    if workers == 1 or settings.metrics_dir is not None:
        yield
        return
    with TemporaryDirectory(prefix="gatepost-metrics-") as folder, _environment(METRICS_DIR=folder):
        yield


@contextmanager
def _environment(**values: object) -> Iterator[None]:
    """Set environment variables for this process and its workers, except those that are None."""
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _require_free_port(settings: Settings) -> None:
    """Fail early, with one line, if another program uses the port."""
    kind = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        # Like uvicorn: recently closed connections do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            print(
                f"gatepost: cannot listen on HOST {settings.host}, PORT {settings.port}: {error.strerror}. "
                "Stop the program that listens there, or set PORT.",
                file=sys.stderr,
            )
            raise typer.Exit(1) from None


async def _try(settings: Settings) -> bool:
    """Start the services once, so that a failure is reported once, before the workers start.

    Return whether there is an administrator.
    """
    async with running_services(settings) as services, services.platform.database.read() as tx:
        return await has_administrator(tx, policy=AccountPolicy.of(settings))


def _greet(settings: Settings, *, has_admin: bool) -> None:
    everywhere = ("127.0.0.1", "0.0.0.0", "::", "::1")  # noqa: S104  compared, not bound
    shown = "localhost" if settings.host in everywhere else settings.host
    here = f"http://[{shown}]:{settings.port}" if ":" in shown else f"http://{shown}:{settings.port}"
    # In production the cookies of the pages only work over https.
    base = settings.base_url if settings.in_production else here
    lines = {
        "pages": f"{base}/sign-in",
        "administration": f"{base}/admin",
        "API docs": f"{base}/docs",
        "PUBLIC_URL": settings.public_url,
    }
    if not has_admin:
        lines["first administrator"] = first_administrator_command()
    print(f"Gatepost ({settings.environment.value}, {settings.sqlalchemy_url.get_backend_name()})")
    for name, value in lines.items():
        print(f"  {name:20} {value}")
    sys.stdout.flush()
