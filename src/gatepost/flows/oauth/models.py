"""The table of resource servers."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, exact, text


class ResourceServer(Base):
    """A service that verifies our tokens. Its secret is random, so a plain digest is enough to store it."""

    __tablename__ = "resource_servers"

    client_id: Mapped[str] = mapped_column(exact(64), primary_key=True)
    name: Mapped[str] = mapped_column(text(255))
    secret_sha256: Mapped[str] = mapped_column(exact(64))
    created_at: Mapped[datetime]
