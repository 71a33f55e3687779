"""
The command `argus`.

A command asks one use case and prints what came of it: what somebody may want to process goes to standard output, sentences go to standard
error. Modules are imported when a command needs them, so that help comes at once.
"""

import sys

from adapters.cli.ending import Ended, end_in_order

INSTALL = "Argus is installed without its server: pip install 'argus-core[server]'"


def main() -> None:
    """Run the command that was typed."""
    try:
        end_in_order()
        from adapters.cli.commands import argus

        argus()
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] in ("adapters", "argus_core"):
            raise
        print(INSTALL, file=sys.stderr)  # noqa: T201 - there may be nothing else to print with
        sys.exit(2)
    except Ended as ended:
        sys.exit(ended.code)
    except KeyboardInterrupt:  # before click was there to care for it
        sys.exit(130)
