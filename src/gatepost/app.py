"""The application: services built, routers mounted, errors answered, background work started and stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware

from gatepost import __version__
from gatepost.access.router import router as access_router
from gatepost.accounts.router import router as accounts_router
from gatepost.admin.role_router import router as roles_router
from gatepost.admin.router import router as users_router
from gatepost.audit.router import router as audit_router
from gatepost.boards.router import router as boards_router
from gatepost.clients.router import router as clients_router
from gatepost.core.background import every
from gatepost.core.migrations import require_current_schema
from gatepost.core.settings import Settings, load_settings
from gatepost.http import link_pages, openapi, pages, problems
from gatepost.http.health import router as health_router
from gatepost.http.middleware import BodyGuard, RequestEnvelope
from gatepost.invitations.router import router as invitations_router
from gatepost.keys.router import router as keys_router
from gatepost.limits.cookies import DeviceCookies
from gatepost.operations.router import router as operations_router
from gatepost.recovery.router import router as recovery_router
from gatepost.services import Services, build_services
from gatepost.sessions.cookies import TokenCookies
from gatepost.sessions.errors import ACCESS_TOKEN_ERRORS
from gatepost.sessions.router import router as sessions_router
from gatepost.signin.router import router as signin_router

ROUTERS = (
    signin_router,
    sessions_router,
    access_router,
    accounts_router,
    recovery_router,
    invitations_router,
    users_router,
    roles_router,
    audit_router,
    boards_router,
    keys_router,
    clients_router,
    health_router,
    operations_router,
    pages.router,
    link_pages.router,
)
# What scripts of other origins may read of an answer.
SHOWN_HEADERS = ("X-Request-ID", "Retry-After", "WWW-Authenticate", "ETag", "RateLimit", "RateLimit-Policy")
KEYS_SECONDS = 5
LAST_USE_SECONDS = 60
PURGE_SECONDS = 300
ROLES_SECONDS = 2
# A mail of this process leaves at once; this finds those of others, and those that are tried again.
MAIL_SECONDS = 5
# No entry waits longer than twice this for its seal.
SEAL_SECONDS = 1


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """Build the application; without arguments from the environment, as uvicorn's factory.

    Raises:
        SettingsError: the settings are malformed or unsafe.
    """
    if services is None:
        services = build_services(settings or load_settings())
    settings = services.settings
    app = FastAPI(
        title="Gatepost",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(services),
        middleware=[
            # Outermost, so that every answer has its headers, a crash included.
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_credentials="*" not in settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "x-access-token", "X-Request-ID", "If-Match"],
                expose_headers=SHOWN_HEADERS,
            ),
            Middleware(RequestEnvelope),
            Middleware(BodyGuard),
        ],
    )
    app.state.services = {
        **services.by_class(),
        TokenCookies: TokenCookies(settings),
        DeviceCookies: DeviceCookies(settings),
    }
    problems.install(app, public_url=settings.public_url)
    openapi.install(app, of_protected=ACCESS_TOKEN_ERRORS)
    for router in ROUTERS:
        app.include_router(router)
    pages.mount_assets(app)
    return app


def _lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await require_current_schema(services.database.engine)
        await services.start()
        settings = services.settings
        stopping = asyncio.Event()
        again = partial(every, stopping=stopping)
        tasks = [
            asyncio.create_task(work)
            for work in (
                again(settings.revocation_poll_seconds, services.revocations.poll, name="reading revocations"),
                again(KEYS_SECONDS, services.keys.load, name="reading signing keys"),
                again(LAST_USE_SECONDS, services.last_use.write, name="writing the last use of sessions"),
                again(PURGE_SECONDS, services.purger.run_in_turn, name="removing what has expired"),
                again(ROLES_SECONDS, services.role_editor.go_on, name="carrying role changes to all holders"),
                again(MAIL_SECONDS, services.outbox.run_once, name="sending mail", wake=services.outbox.woken),
                again(SEAL_SECONDS, services.audit_sealer.run_once, name="sealing the audit log"),
            )
        ]
        try:
            yield
        finally:
            stopping.set()
            _done, late = await asyncio.wait(tasks, timeout=settings.shutdown_seconds)
            for task in late:
                task.cancel()
            await services.stop()

    return lifespan
