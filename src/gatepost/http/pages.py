"""The pages for people who build on the API: Swagger UI, ReDoc, the list of error codes. No other host is asked."""

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from gatepost.core.errors import all_errors

ASSETS = "/docs/assets"
OURS = "/docs/static"
ASSETS_FOLDER = Path(fastapi_offline.__file__).parent / "static"
OUR_FOLDER = Path(__file__).parent / "static"
# ReDoc shows a logo that lies on a host of its makers, and hides it where it cannot be loaded.
REDOC_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
NO_IMAGE = "data:,"
HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    f'<link rel="icon" type="image/svg+xml" href="{OURS}/icon.svg">'
)
# Whatever the scripts would like to load, the browser asks this host alone.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SWAGGER = f"""<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost API</title>
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css"><link rel="stylesheet" href="{OURS}/swagger.css"></head>
<body><div id="swagger-ui"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script><script src="{OURS}/swagger.js"></script></body></html>"""
REDOC = f"""<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost API</title>
<style>body {{ margin: 0 }}</style></head>
<body><redoc spec-url="/openapi.json" disable-google-font hide-download-button></redoc>
<script src="/docs/redoc.js"></script></body></html>"""
ERRORS_STYLE = """body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
color-scheme: light dark } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8886; vertical-align: top }
tr:target { background: #fc06 }"""


class Page(HTMLResponse):
    """A page that loads nothing from elsewhere and stands in no frame."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Add the policy to whatever headers the answer has."""
        super().init_headers({"Content-Security-Policy": POLICY, **(headers or {})})


router = APIRouter(include_in_schema=False, default_response_class=Page)


@router.get("/docs")
async def swagger() -> str:
    """Try the API."""
    return SWAGGER


@router.get("/redoc")
async def redoc() -> str:
    """Read about the API."""
    return REDOC


@router.get("/docs/redoc.js", response_class=Response)
async def redoc_script() -> Response:
    """Give ReDoc's script, with its one link to another host taken out."""
    return Response(_redoc_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})


@router.get("/errors")
async def errors() -> str:
    """List every error code; the `type` of a problem leads here."""
    rows = "".join(
        f'<tr id="{error.code}"><td><code>{error.code}</code></td><td>{error.status}</td>'
        f"<td>{_words(error.__doc__ or '')}</td></tr>"
        for error in all_errors()
    )
    return (
        f'<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost error codes</title>'
        f"<style>{ERRORS_STYLE}</style></head><body><h1>Error codes</h1>"
        f"<table><tr><th>code</th><th>status</th><th>when</th></tr>{rows}</table></body></html>"
    )


def mount_assets(app: FastAPI) -> None:
    """Serve the scripts and styles of Swagger UI from the installed package, and our own."""
    app.mount(ASSETS, StaticFiles(directory=ASSETS_FOLDER), name="docs-assets")
    app.mount(OURS, StaticFiles(directory=OUR_FOLDER), name="docs-static")


@cache
def _redoc_script() -> str:
    script = (ASSETS_FOLDER / "redoc.standalone.js").read_text(encoding="utf-8")
    return script.replace(REDOC_LOGO, NO_IMAGE)


def _words(docstring: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(docstring.split())))
