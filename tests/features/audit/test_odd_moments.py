"""Moments at the ends of the calendar."""

import base64
import json

import pytest

from tests.support.api import Api, assert_problem

pytestmark = pytest.mark.both_databases

ODD = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("moment", ODD)
async def test_cursor_with_an_odd_moment_is_refused(api: Api, moment: str) -> None:
    person = await api.sign_up()
    cursor = base64.urlsafe_b64encode(json.dumps([moment, 1]).encode()).decode().rstrip("=")

    answer = await api.get("/api/users/me/activity", params={"after": cursor}, headers=person.headers)

    assert_problem(answer, 400, "cursor_invalid")
