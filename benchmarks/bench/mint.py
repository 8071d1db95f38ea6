"""Many sessions of one account of Gatepost, with their tokens, without signing in for each.

    python mint.py ACCESS_TOKENS REFRESH_TOKENS FOLDER

Runs in Gatepost's own environment, on the database of the settings; writes `access.txt` and `refresh.txt`.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from gatepost.composition.services import build_services
from gatepost.core.settings import load_settings
from gatepost.identity.accounts.repository import Users
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.access_tokens import AccessTokens
from gatepost.identity.tokens.refresh_tokens import RefreshTicket, RefreshTokens
from gatepost.identity.tokens.subject import TokenSubject

BATCH = 2000
ACCOUNT = "bench1"


async def main(access_count: int, refresh_count: int, folder: Path) -> None:
    """Make the sessions, and write the tokens of each."""
    settings = load_settings()
    services = build_services(settings)
    await services.start()
    now = services.platform.clock.now()
    async with services.platform.database.begin() as tx:
        user = await Users(tx).by_username(ACCOUNT)
        last = await tx.scalar(select(func.max(Session.id))) or 0
    ids = range(last + 1, last + 1 + refresh_count)
    common = {
        "user_id": user.id,
        "generation": 0,
        "rotated_at": now,
        "created_at": now,
        "last_used_at": now,
        "idle_expires_at": now + timedelta(days=30),
        "absolute_expires_at": now + timedelta(days=90),
        "access_expires_at": now + timedelta(days=1),
        "key_id": services.identity.keys.signing.kid,
        "amr": "pwd",
        "address": "127.0.0.1",
        "user_agent": "",
        "device": "Unknown device",
    }
    for start in range(0, refresh_count, BATCH):
        async with services.platform.database.begin() as tx:
            await tx.execute(insert(Session), [{"id": number, **common} for number in ids[start : start + BATCH]])
    refresh = RefreshTokens(settings.keys)
    tokens = [refresh.write(RefreshTicket(number, 0)) for number in ids]
    (folder / "refresh.txt").write_text("".join(f"{token}\n" for token in tokens))
    access = AccessTokens(
        services.identity.keys,
        issuer=settings.public_url,
        audience=settings.jwt_audience,
        life=settings.access_token_life,
    )
    session = Session(id=last + 1, **common)
    grant = TokenSubject.of(user, session)
    issued = [access.issue(grant, now=now)[0] for _ in range(access_count)]
    (folder / "access.txt").write_text("".join(f"Bearer {token}\n" for token in issued))
    await services.stop()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
