"""The program `gatepost`, also as `python -m gatepost`."""

import gc
import importlib
import sys


def run() -> None:
    """Run a command.

    A third of a command would be the garbage collector, which looks through ever more modules while they are loaded,
    and through all of them at the end, and finds nothing.
    """
    gc.disable()
    try:
        main = importlib.import_module("gatepost.cli.main")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "gatepost":
            raise
        sys.exit(f"gatepost: the service needs the package {error.name}: pip install 'gatepost[server]'")
    gc.freeze()
    gc.enable()
    main.run()


if __name__ == "__main__":
    run()
