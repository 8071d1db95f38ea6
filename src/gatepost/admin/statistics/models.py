"""The table of statistics."""

from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, exact


class DailyStatistic(Base):
    """One statistic of one day in UTC; `detail` distinguishes kinds, such as the reasons of refused sign-ins."""

    __tablename__ = "daily_statistics"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(exact(64), primary_key=True)
    detail: Mapped[str] = mapped_column(exact(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigId)
    counted_at: Mapped[datetime]
