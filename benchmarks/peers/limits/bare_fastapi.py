"""The limit of the framework: one route, no dependency, no middleware."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


@app.get("/api/test/user", response_class=PlainTextResponse)
async def user_board() -> str:
    """Answer a text."""
    return "User Content."
