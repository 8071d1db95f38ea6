"""Where temporary files lie: in memory, if there is room, since each commit waits for the disk otherwise."""

import os
import shutil
from pathlib import Path

# The folder in which pytest makes its temporary ones.
TEMPORARY = "PYTEST_DEBUG_TEMPROOT"
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30


def prefer_memory() -> None:
    """Choose memory for the temporary files of this run and of its workers, unless a folder is chosen already."""
    if TEMPORARY not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ[TEMPORARY] = str(MEMORY)
