"""fastapi-users as its documentation sets it up: JWT by a bearer header, SQLAlchemy, here with aiomysql."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = "a-secret-of-the-benchmark-0123456789"
BCRYPT_COST = int(os.environ.get("BCRYPT_COST", "12"))

engine = create_async_engine(os.environ["DATABASE_URL"].replace("mysql:", "mysql+aiomysql:"))
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """An account."""


class UserRead(schemas.BaseUser[uuid.UUID]):
    """An account, going out."""


class UserCreate(schemas.BaseUserCreate):
    """An account, coming in."""


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """The library's rules."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a database session."""
    async with new_session() as session:
        yield session


async def get_users(session: Annotated[AsyncSession, Depends(get_session)]) -> AsyncIterator[SQLAlchemyUserDatabase]:
    """Give the accounts."""
    yield SQLAlchemyUserDatabase(session, User)


async def get_manager(
    users: Annotated[SQLAlchemyUserDatabase, Depends(get_users)],
) -> AsyncIterator[UserManager]:
    """Give the library's rules, with bcrypt at the cost that is compared."""
    yield UserManager(users, PasswordHelper(PasswordHash((BcryptHasher(rounds=BCRYPT_COST),))))


def get_strategy() -> JWTStrategy:
    """Give the tokens' rules."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=86400)


backend = AuthenticationBackend(
    name="jwt", transport=BearerTransport(tokenUrl="auth/jwt/login"), get_strategy=get_strategy
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_manager, [backend])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the tables."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")


@app.get("/api/test/all", response_class=PlainTextResponse)
async def public_board() -> str:
    """For all."""
    return "Public Content."


@app.get("/api/test/user", response_class=PlainTextResponse)
async def user_board(_: Annotated[User, Depends(fastapi_users.current_user(active=True))]) -> str:
    """For who is signed in."""
    return "User Content."


@app.get("/api/test/admin", response_class=PlainTextResponse)
async def admin_board(_: Annotated[User, Depends(fastapi_users.current_user(active=True, superuser=True))]) -> str:
    """For administrators."""
    return "Admin Content."
