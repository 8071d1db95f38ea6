"""The program `gatepost`, also as `python -m gatepost`."""

import gc
import importlib
import sys


def run() -> None:
    """Run a command.

    The garbage collector is off while modules are loaded. Otherwise it would take a third of the time of a command, to
    scan all modules while they are loaded and again at the end, and would find nothing.
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
