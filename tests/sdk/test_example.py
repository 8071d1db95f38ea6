"""examples/notes, started beside the service as its README says."""

import re
import shutil
from pathlib import Path

from tests.sdk.conftest import Issuer, bearer, until, uvicorn_app

FOLDER = Path(__file__).parents[2] / "examples" / "notes"


def test_sign_out_at_the_service_is_401_at_the_example_within_two_seconds(issuer: Issuer, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "app.py", tmp_path)
    token, stays = issuer.sign_up("Abbey"), issuer.sign_in("Abbey")
    with uvicorn_app(
        tmp_path,
        GATEPOST_ISSUER=issuer.url,
        GATEPOST_CLIENT_ID="notes",
        GATEPOST_CLIENT_SECRET=issuer.secret,
    ) as notes:
        assert notes.get("/notes").status_code == 401
        assert notes.get("/notes", headers=bearer(token)).json() == []
        written = notes.post("/notes", headers=bearer(token), json={"text": "buy milk"})
        assert (written.status_code, written.json()) == (201, ["buy milk"])
        assert notes.get("/statistics", headers=bearer(token)).status_code == 403
        statistics = notes.get("/statistics", headers=bearer(issuer.create_admin("Root")))
        assert statistics.json() == {"people": 1, "notes": 1}

        # A sign-in of just now is a fresh proof.
        assert notes.delete("/notes", headers=bearer(stays)).status_code == 204
        assert notes.post("/notes", headers=bearer(token), json={"text": "buy milk"}).status_code == 201

        issuer.sign_out(token)

        until(lambda: notes.get("/notes", headers=bearer(token)).status_code == 401, seconds=2)
        refused = notes.get("/notes", headers=bearer(token))
        assert refused.json()["detail"]["code"] == "token_revoked"
        assert notes.get("/notes", headers=bearer(stays)).json() == ["buy milk"]


def test_readme_names_what_the_app_reads() -> None:
    readme, app = (FOLDER / "README.md").read_text(), (FOLDER / "app.py").read_text()

    read = set(re.findall(r"GATEPOST_[A-Z_]+", app))
    assert read == {"GATEPOST_ISSUER", "GATEPOST_CLIENT_ID", "GATEPOST_CLIENT_SECRET"}
    assert read <= set(re.findall(r"GATEPOST_[A-Z_]+", readme))
    for path in re.findall(r"localhost:8090(/\S+)", readme):
        assert f'("{path}"' in app
