"""Notes: a service of its own whose people sign in at Gatepost."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field

from gatepost.sdk import Gatepost, UserPrincipal

gatepost = Gatepost(
    issuer=os.environ.get("GATEPOST_ISSUER", "http://localhost:8080"),
    client_id=os.environ["GATEPOST_CLIENT_ID"],
    client_secret=os.environ["GATEPOST_CLIENT_SECRET"],
)
app = FastAPI(title="Notes", lifespan=gatepost.lifespan)

User = Annotated[UserPrincipal, Depends(gatepost.current_user)]
# Proved who they are within the last five minutes.
Present = Annotated[UserPrincipal, Depends(gatepost.require_fresh())]
Admin = Annotated[UserPrincipal, Depends(gatepost.require_role("admin"))]

# By account id; an example keeps nothing for longer than it runs.
notes: dict[int, list[str]] = {}


class Note(BaseModel):
    """A note to keep."""

    text: str = Field(min_length=1, max_length=1000)


@app.get("/notes")
async def read_notes(user: User) -> list[str]:
    """One's own notes, the oldest first."""
    return notes.get(user.user_id, [])


@app.post("/notes", status_code=201)
async def write_note(note: Note, user: User) -> list[str]:
    """Keep one more note."""
    own = notes.setdefault(user.user_id, [])
    own.append(note.text)
    return own


@app.delete("/notes", status_code=204)
async def delete_notes(user: Present) -> None:
    """Throw all of one's own notes away."""
    notes.pop(user.user_id, None)


@app.get("/statistics")
async def read_statistics(_: Admin) -> dict[str, int]:
    """How much there is, for administrators."""
    return {"people": len(notes), "notes": sum(map(len, notes.values()))}
