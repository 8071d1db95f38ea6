"""The documentation pages for developers: Swagger UI, ReDoc and the error codes. They load nothing from other hosts."""

import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Annotated

import fastapi_offline
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from gatepost.core.errors import all_errors
from gatepost.core.settings import Settings
from gatepost.http.deps import provided

ASSETS = "/docs/assets"
OURS = "/docs/static"
ASSETS_FOLDER = Path(fastapi_offline.__file__).parent / "static"
OUR_FOLDER = Path(__file__).parent / "static"
# ReDoc loads a logo from its makers' server, and hides it if it cannot be loaded.
REDOC_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
NO_IMAGE = "data:,"
BRAND = "/docs/brand.css"
HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    f'<link rel="icon" type="image/svg+xml" href="{OURS}/icon.svg">'
    f'<link rel="stylesheet" href="{OURS}/pages.css"><link rel="stylesheet" href="{BRAND}">'
)
# The browser loads only from this host, whatever the scripts want to load.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SWAGGER = f"""<link rel="stylesheet" href="{ASSETS}/swagger-ui.css"><link rel="stylesheet" href="{OURS}/swagger.css">
</head><body>{{bar}}<div id="swagger-ui"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script><script src="{OURS}/swagger.js"></script></body></html>"""
REDOC = """</head><body>{bar}<redoc spec-url="/openapi.json" disable-google-font hide-download-button theme="{theme}">
</redoc><script src="/docs/redoc.js"></script></body></html>"""
ERRORS = """</head><body class="errors">{bar}<main><h1>Error codes</h1><div class="table"><table>
<thead><tr><th scope="col">code</th><th scope="col">status</th><th scope="col">when</th></tr></thead>
<tbody>{rows}</tbody></table></div></main></body></html>"""
WAYS = (("/docs", "Try the API"), ("/redoc", "Reference"), ("/errors", "Error codes"))


class DocumentationPage(HTMLResponse):
    """A page that loads nothing from other hosts and cannot be framed."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Add the content security policy to the headers of the answer."""
        super().init_headers({"Content-Security-Policy": POLICY, **(headers or {})})


SettingsDep = Annotated[Settings, Depends(provided(Settings))]
router = APIRouter(include_in_schema=False, default_response_class=DocumentationPage)


@router.get("/docs")
async def swagger(settings: SettingsDep) -> str:
    """Try the API."""
    return _page("Gatepost API", SWAGGER, settings, "/docs")


@router.get("/redoc")
async def redoc(settings: SettingsDep) -> str:
    """Read about the API."""
    theme = json.dumps({"colors": {"primary": {"main": settings.palette.light_link}}})
    return _page("Gatepost API", REDOC, settings, "/redoc", theme=escape(theme))


@router.get(BRAND, response_class=Response)
async def brand(settings: SettingsDep) -> Response:
    """Serve the brand colour and the colours derived from it."""
    return Response(settings.palette.css, media_type="text/css", headers={"Cache-Control": "no-cache"})


@router.get("/docs/redoc.js", response_class=Response)
async def redoc_script() -> Response:
    """Serve ReDoc's script without its link to another host."""
    return Response(_redoc_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


@router.get("/errors")
async def errors(settings: SettingsDep) -> str:
    """List every error code; the `type` of a problem links here."""
    rows = "".join(
        f'<tr id="{error.code}"><td><code>{error.code}</code></td><td>{error.status}</td>'
        f"<td>{_words(error.__doc__ or '')}</td></tr>"
        for error in all_errors()
    )
    return _page("Gatepost error codes", ERRORS, settings, "/errors", rows=rows)


def mount_assets(app: FastAPI) -> None:
    """Serve Swagger UI from the installed package, and our own scripts and styles."""
    app.mount(ASSETS, StaticFiles(directory=ASSETS_FOLDER), name="docs-assets")
    app.mount(OURS, StaticFiles(directory=OUR_FOLDER), name="docs-static")


@cache
def _redoc_script() -> str:
    script = (ASSETS_FOLDER / "redoc.standalone.js").read_text(encoding="utf-8")
    return script.replace(REDOC_LOGO, NO_IMAGE)


def _page(title: str, body: str, settings: Settings, here: str, **values: str) -> str:
    """Return a page with a bar at the top, with the brand's name and colour and links to the other pages."""
    current = ' aria-current="page"'
    ways = "".join(f'<a href="{path}"{current if path == here else ""}>{name}</a>' for path, name in WAYS)
    bar = (
        f'<header class="brand-bar"><a class="name" href="/welcome">{escape(settings.brand_name)}</a>'
        f'<nav aria-label="Documentation">{ways}</nav></header>'
    )
    head = f'<!doctype html><html lang="en"><head>{HEAD}<title>{title}</title>'
    return head + body.format(bar=bar, **values)


def _words(docstring: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(docstring.split())))
