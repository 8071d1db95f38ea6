"""Which session a sign-out ends, where several tokens ride along."""

from tests.support.api import Api, assert_problem, bearer

COOKIE = "gatepost_refresh"
OURS = {"Origin": "http://localhost:8081"}


async def test_token_of_a_header_decides_before_the_cookie(api: Api) -> None:
    kept = await api.sign_up("Kept")
    meant = await api.sign_up("Meant")

    answer = await api.post(
        "/api/auth/signout",
        headers={**bearer(meant.access_token), **OURS, "Cookie": f"{COOKIE}={kept.refresh_token}"},
    )

    assert answer.status_code == 204
    assert_problem(await api.user_board(meant.access_token), 401, "token_revoked")
    assert (await api.user_board(kept.access_token)).status_code == 200


async def test_cookie_that_is_no_good_is_taken_back_all_the_same(api: Api) -> None:
    answer = await api.post("/api/auth/signout", headers={**OURS, "Cookie": f"{COOKIE}=gpr_1.0.{'A' * 43}"})

    assert answer.status_code == 204
    assert any(cookie.startswith(f"{COOKIE}=") for cookie in answer.headers.get_list("set-cookie"))
