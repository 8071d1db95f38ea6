"""JSON of recovery codes, wherever they are shown."""

from typing import Annotated

from pydantic import Field

ShownCodes = Annotated[list[str], Field(repr=False, examples=[["7KQ2M-XW9TB", "3FJ8N-0RVHC"]])]
