"""The limit of a refresh: one conditional UPDATE a time by aiomysql, autocommitted; prints updates a second.

The table is Gatepost's own; the rows are those that the benchmark has put there.
"""

import asyncio
import sys
import time
from urllib.parse import urlsplit

import aiomysql
import uvloop

STATEMENT = (
    "UPDATE sessions SET generation = %s, rotated_at = NOW(6), last_used_at = NOW(6) "
    "WHERE id = %s AND generation = %s AND ended_at IS NULL"
)


async def main(url: str, *, seconds: float, connections: int) -> None:
    """Update sessions on so many connections at once."""
    parts = urlsplit(url)
    pool = await aiomysql.create_pool(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        db=parts.path.lstrip("/"),
        minsize=connections,
        maxsize=connections,
        autocommit=True,
    )
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT id, generation FROM sessions ORDER BY id DESC LIMIT %s", (connections,))
        rows = await cursor.fetchall()
    end = time.perf_counter() + seconds

    async def update(session_id: int, generation: int) -> int:
        done = 0
        async with pool.acquire() as connection, connection.cursor() as cursor:
            while time.perf_counter() < end:
                await cursor.execute(STATEMENT, (generation + done + 1, session_id, generation + done))
                if cursor.rowcount != 1:
                    raise RuntimeError("the row was not at its generation")
                done += 1
        return done

    start = time.perf_counter()
    counts = await asyncio.gather(*(update(*row) for row in rows))
    print(sum(counts) / (time.perf_counter() - start))
    pool.close()
    await pool.wait_closed()


uvloop.run(main(sys.argv[1], seconds=float(sys.argv[2]), connections=int(sys.argv[3])))
