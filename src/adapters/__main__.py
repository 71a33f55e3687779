"""`python -m adapters asgi` and `python -m adapters worker` are the processes that the supervisor starts; people start `argus`."""

import gc
import importlib
import sys

if __name__ == "__main__":
    # Nothing that is imported becomes garbage; looking for some takes a tenth of the time until the first answer.
    gc.disable()
    role = importlib.import_module(f"adapters.{sys.argv[1]}")
    gc.freeze()
    gc.enable()
    role.main(*map(int, sys.argv[2:]))
