"""What systemd wants to hear from a service with `Type=notify` and `WatchdogSec=`: a datagram each time (see sd_notify(3))."""

import socket
from collections.abc import MutableMapping
from contextlib import suppress

_ADDRESS = "NOTIFY_SOCKET"


class Systemd:
    """Whoever manages this process as a service, if anybody does."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        address = environment.pop(_ADDRESS, "")  # so that no child speaks for us, above all not PostgreSQL, which can
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def ready(self, status: str) -> None:
        """What was started does its work now; `status` is shown to operators."""
        self._say("READY=1", f"STATUS={status}")

    def well(self) -> None:
        """All is well; to be said again and again."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """It is about to end."""
        self._say("STOPPING=1")

    def _say(self, *words: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
            speaking.setblocking(False)  # a manager that hangs must not hold us up
            speaking.sendto("\n".join(words).encode(), self._address)
