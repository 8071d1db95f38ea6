"""The application: its services, routes, middleware and error handling; `lifespan.py` starts and stops it."""

from fastapi import APIRouter, FastAPI
from fastapi.middleware import Middleware

from gatepost import __version__
from gatepost.admin.accounts.router import router as users_router
from gatepost.admin.audit.router import router as audit_router
from gatepost.admin.factors.router import router as factor_reset_router
from gatepost.admin.identities.router import router as identity_removal_router
from gatepost.admin.invitations.router import router as invitations_router
from gatepost.admin.keys.router import router as key_life_router
from gatepost.admin.roles.router import router as roles_router
from gatepost.admin.statistics.router import router as figures_router
from gatepost.composition.services import Services, build_services
from gatepost.console.pages import Console
from gatepost.console.problem_page import page_of_problem
from gatepost.console.router import router as console_router
from gatepost.core.logs.setup import request_log
from gatepost.core.settings import Settings, load_settings
from gatepost.core.settings.types import ANY_ORIGIN
from gatepost.flows.demo.router import router as boards_router
from gatepost.flows.factors.identities.router import router as identities_router
from gatepost.flows.factors.passkeys.router import router as passkeys_router
from gatepost.flows.factors.router import router as factors_router
from gatepost.flows.forward_auth.router import router as access_router
from gatepost.flows.oauth.metadata.router import router as keys_router
from gatepost.flows.oauth.router import router as clients_router
from gatepost.flows.oauth.token.router import router as token_router
from gatepost.flows.profile.router import router as accounts_router
from gatepost.flows.reauthentication.router import router as reauthentication_router
from gatepost.flows.recovery.router import router as recovery_router
from gatepost.flows.session.router import router as sessions_router
from gatepost.flows.signin.email_codes.cookies import EmailCodeCookies
from gatepost.flows.signin.email_codes.router import router as email_code_router
from gatepost.flows.signin.passkeys.router import router as passkey_signin_router
from gatepost.flows.signin.providers.router import router as providers_router
from gatepost.flows.signin.router import router as signin_router
from gatepost.flows.signup.router import router as signup_router
from gatepost.http import openapi, pages, problems
from gatepost.http.body_guard import BodyGuard
from gatepost.http.cors import Cors
from gatepost.http.health import router as health_router
from gatepost.http.middleware import ErrorBoundary, RequestEnvelope
from gatepost.http.parameters import single_parameters
from gatepost.http.security_headers import security_headers
from gatepost.http.server.draining import Drain
from gatepost.http.spa import app as spa
from gatepost.identity.external.cookies import AuthorizationCookie
from gatepost.identity.sessions.browsers import Browsers
from gatepost.identity.sessions.cookies import TokenCookies
from gatepost.identity.sessions.errors import ACCESS_TOKEN_ERRORS
from gatepost.identity.throttling.cookies import DeviceCookies
from gatepost.lifespan import running
from gatepost.operations.router import router as operations_router
from gatepost.operations.tracing import TracedRequests, Tracing, start_tracing

# FastAPI tries them in this order for each request, so the most frequent ones come first.
ROUTERS: tuple[APIRouter, ...] = (
    boards_router,
    access_router,
    keys_router,
    sessions_router,
    signup_router,
    signin_router,
    passkey_signin_router,
    email_code_router,
    providers_router,
    token_router,
    accounts_router,
    factors_router,
    reauthentication_router,
    passkeys_router,
    identities_router,
    clients_router,
    recovery_router,
    invitations_router,
    users_router,
    factor_reset_router,
    identity_removal_router,
    roles_router,
    audit_router,
    figures_router,
    key_life_router,
    health_router,
    operations_router,
    pages.router,
    console_router,
)
# Passed to the app as single routes: an included router's routes would be built again for each app at its first
# request, and be matched twice in every request.
ROUTES = [route for router in ROUTERS for route in router.routes]


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """Build the application. Without arguments, as uvicorn's factory, it reads the settings from the environment.

    Raises:
        SettingsError: the settings are malformed or unsafe.
    """
    if services is None:
        services = build_services(settings or load_settings())
    settings = services.settings
    drain = Drain(seconds=settings.drain_seconds, total_seconds=settings.shutdown_seconds)
    tracing = start_tracing(settings, services.platform.database.engine)
    app = FastAPI(
        title="Gatepost",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        # A redirect to the URL without the slash would use the host that the request names, which may be forged.
        redirect_slashes=False,
        lifespan=running(services, drain, tracing),
        routes=ROUTES,
        # Its own traces would contain paths and query strings; ours are in operations/tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=_middleware(services, tracing),
    )
    cookies = TokenCookies(settings)
    console = Console(settings, services.identity.providers.listed)
    app.state.services = {
        **services.by_class(),
        TokenCookies: cookies,
        AuthorizationCookie: AuthorizationCookie(settings),
        Browsers: Browsers(cookies, services.identity.sessions),
        Console: console,
        DeviceCookies: DeviceCookies(settings),
        EmailCodeCookies: EmailCodeCookies(settings),
        Drain: drain,
    }
    problems.install(app, public_url=settings.base_url, page=page_of_problem(console))
    openapi.install(app, of_protected=ACCESS_TOKEN_ERRORS)
    pages.mount_assets(app)
    if settings.spa_dir is not None:
        spa.install(app, settings.spa_dir, script_sources=settings.spa_script_sources)
    return app


def _middleware(services: Services, tracing: Tracing | None) -> list[Middleware]:
    """Return the middleware, from the outside in."""
    settings = services.settings
    return [
        *([Middleware(TracedRequests, tracer=tracing.tracer)] if tracing is not None else []),
        Middleware(
            RequestEnvelope,
            log=request_log(settings),
            metrics=services.platform.request_metrics,
            headers=security_headers(settings),
        ),
        # Outside of ErrorBoundary, so that the answer to a crash also has its headers.
        Middleware(Cors, origins=settings.trusted_origins, is_open_to_all=ANY_ORIGIN in settings.cors_origins),
        Middleware(ErrorBoundary),
        Middleware(BodyGuard, single_parameters=single_parameters(ROUTES)),
    ]
