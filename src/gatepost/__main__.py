"""The program `gatepost`, also as `python -m gatepost`."""

import gc
import importlib


def run() -> None:
    """Run a command.

    A third of a command would be the garbage collector, which looks through ever more modules while they are loaded,
    and through all of them at the end, and finds nothing.
    """
    gc.disable()
    main = importlib.import_module("gatepost.cli.main")
    gc.freeze()
    gc.enable()
    main.run()


if __name__ == "__main__":
    run()
