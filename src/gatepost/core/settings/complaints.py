"""What is wrong with settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """A setting that must be changed."""

    setting: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.problem}. {self.remedy}."


class SettingsError(Exception):
    """The service cannot start with these settings; `complaints` lists all problems."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("\n".join(str(complaint) for complaint in complaints))
        self.complaints = tuple(complaints)
