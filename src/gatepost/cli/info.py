"""`gatepost openapi` and `gatepost settings`."""

import importlib
from typing import Annotated

import typer
from pydantic import SecretStr

from gatepost.cli.output import Json, print_json
from gatepost.core.settings import Settings, load_settings
from gatepost.core.settings.text import example_file, in_force, markdown_page


def openapi() -> None:
    """Print the OpenAPI document. Needs no settings and no database."""
    described = Settings.model_construct(secret_key=SecretStr("only for describing the routes"))
    # Imported here, so that other commands start faster without the routes.
    app = importlib.import_module("gatepost.app").create_app(described)
    print_json(app.openapi())


def settings(
    example: Annotated[bool, typer.Option("--example", help="Print .env.example instead.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/settings.md instead.")] = False,
    as_json: Json = False,
) -> None:
    """Print the current settings, with secrets hidden."""
    if example:
        print(example_file(), end="")
    elif markdown:
        print(markdown_page(), end="")
    elif as_json:
        print_json(dict(in_force(load_settings())))
    else:
        for name, value in in_force(load_settings()):
            print(f"{name}={value}")
