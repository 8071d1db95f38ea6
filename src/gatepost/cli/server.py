"""`gatepost serve`."""

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn

from gatepost.cli.running import running_services
from gatepost.core.logs.setup import logging_config
from gatepost.core.settings import Settings, load_settings
from gatepost.http.draining import grace_seconds
from gatepost.http.proxies import believed

HEALTHCHECK_SECONDS = 60


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of PORT.", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes, instead of WORKERS.", min=1)] = None,
    reload: Annotated[bool, typer.Option(help="Start again when the code changes; for development.")] = False,
) -> None:
    """Serve the API and its documentation."""
    settings = load_settings()
    asyncio.run(_try(settings))
    host, port = host or settings.host, settings.port if port is None else port
    _greet(settings, host=host, port=port)
    count = 1 if reload else workers or settings.workers
    with _shared_figures(settings, workers=count):
        _run(settings, host=host, port=port, workers=count, reload=reload)


def _run(settings: Settings, *, host: str, port: int, workers: int, reload: bool) -> None:
    uvicorn.run(
        "gatepost.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        loop="uvloop",
        # By name, so that workers can be started with it.
        http="gatepost.http.protocol:GuardedProtocol",
        ws="none",
        lifespan="on",
        server_header=False,
        # RequestEnvelope writes the one line about each request.
        access_log=False,
        log_config=logging_config(settings),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=believed(settings.trusted_proxies),
        # A worker answers the supervisor once it has imported all: a busy machine takes longer for it than uvicorn's
        # 5 s, and each worker was killed before it served.
        timeout_worker_healthcheck=HEALTHCHECK_SECONDS,
        # uvicorn hands it to asyncio, which takes fractions.
        timeout_graceful_shutdown=_grace(settings),  # type: ignore[arg-type]
    )


def _grace(settings: Settings) -> float:
    return grace_seconds(settings.drain_seconds, total_seconds=settings.shutdown_seconds)


@contextmanager
def _shared_figures(settings: Settings, *, workers: int) -> Iterator[None]:
    """Give the workers a fresh folder for their figures; a single one needs none."""
    if workers == 1 or settings.metrics_dir is not None:
        yield
        return
    with TemporaryDirectory(prefix="gatepost-figures-") as folder:
        os.environ["METRICS_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["METRICS_DIR"]


async def _try(settings: Settings) -> None:
    """Start the services once: what keeps them from it is told in one line, before there are workers to tell it."""
    async with running_services(settings):
        pass


def _greet(settings: Settings, *, host: str, port: int) -> None:
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104  compared, not bound
    print(f"Gatepost ({settings.environment.value}, {settings.sqlalchemy_url.get_backend_name()})")
    print(f"  API docs             http://{shown}:{port}/docs")
    print(f"  first administrator  {_own_name()} create-admin --username admin --email you@example.com", flush=True)


def _own_name() -> str:
    """Return the name by which whoever started this can call the command again from the same folder."""
    called, found = Path(sys.argv[0]), shutil.which("gatepost")
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m gatepost"
    is_on_path = found is not None and Path(found).resolve() == called.resolve()
    return shlex.quote(str(called)) if called.is_file() and not is_on_path else "gatepost"
