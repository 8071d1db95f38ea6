"""The pages for people who build on the API: Swagger UI, ReDoc, the list of error codes. No other host is asked."""

from html import escape
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from gatepost.core.errors import all_errors

ASSETS = "/docs/assets"
HEAD = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
ICON = f'<link rel="icon" type="image/png" href="{ASSETS}/favicon.png">'

SWAGGER = f"""<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost API</title>{ICON}
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="{ASSETS}/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>"""
SWAGGER_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  displayRequestDuration: true, persistAuthorization: false, tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""
REDOC = f"""<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost API</title>{ICON}
<style>body {{ margin: 0 }}</style></head>
<body><redoc spec-url="/openapi.json" disable-google-font hide-download-button></redoc>
<script src="{ASSETS}/redoc.standalone.js"></script></body></html>"""
ERRORS_STYLE = """body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
color-scheme: light dark } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8886; vertical-align: top }
tr:target { background: #fc06 }"""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/docs")
async def swagger() -> str:
    """Try the API."""
    return SWAGGER


@router.get("/docs/start.js", response_class=Response)
async def swagger_start() -> Response:
    """Start Swagger UI, from a file of ours, so that no page needs an inline script."""
    return Response(SWAGGER_START, media_type="text/javascript")


@router.get("/redoc")
async def redoc() -> str:
    """Read about the API."""
    return REDOC


@router.get("/errors")
async def errors() -> str:
    """List every error code; the `type` of a problem leads here."""
    rows = "".join(
        f'<tr id="{error.code}"><td><code>{error.code}</code></td><td>{error.status}</td>'
        f"<td>{escape(' '.join((error.__doc__ or '').split()))}</td></tr>"
        for error in all_errors()
    )
    return (
        f'<!doctype html><html lang="en"><head>{HEAD}<title>Gatepost error codes</title>{ICON}'
        f"<style>{ERRORS_STYLE}</style></head><body><h1>Error codes</h1>"
        f"<table><tr><th>code</th><th>status</th><th>when</th></tr>{rows}</table></body></html>"
    )


def mount_assets(app: FastAPI) -> None:
    """Serve the scripts and styles of Swagger UI and ReDoc from the installed package."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")
