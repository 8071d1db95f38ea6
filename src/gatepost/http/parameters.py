"""The query parameters that the routes read."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute


def single_parameters(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """Return the names of the parameters with a single value. Repeating one of these is refused."""
    read = [pair for route in routes if isinstance(route, APIRoute) for pair in _parameters(route.dependant)]
    return frozenset(name for name, _ in read) - {name for name, kind in read if _is_list(kind)}


def _parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for needed in dependant.dependencies:
        yield from _parameters(needed)


def _is_list(kind: Any) -> bool:
    return any(get_origin(member) is list for member in (kind, *get_args(kind)))
