"""
Whoever asks while no process can answer is told to come back: processes start for seconds, and longer when something is amiss.

Until then connections would wait in the queue of the listening socket, and clients would not know for what.
"""

import logging
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

PATIENCE = 1.5
"""So many seconds those who ask wait for a process that may be ready at any moment. Clients in the field wait two."""

GLANCE = 0.1
"""So many seconds pass before it looks again."""

_LISTENS_WITHIN, _MOST = 0.2, 256 * 1024
_BODY = b'{"detail": "The server is starting. Try again."}'
_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)

_log = logging.getLogger("argus.supervisor")


class StandIn:
    """Answers on the listening socket, in a thread, while nobody has served for a moment."""

    def __init__(self, listener: socket.socket, serves: Callable[[], bool], seconds: Callable[[], float] = monotonic) -> None:
        self._listener, self._serves, self._seconds = listener, serves, seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)

    def start(self) -> None:
        """Begin to watch; somebody serves at this moment."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        served = self._seconds()
        while not self._stopping.wait(GLANCE):
            if self._serves():
                served = self._seconds()
            elif self._seconds() - served > PATIENCE:
                _log.warning("No process serves at the moment; whoever asks is told to come back")
                self._stand_in()
                served = self._seconds()

    def _stand_in(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._serves() and not self._stopping.is_set():
                if selector.select(GLANCE):
                    # Nothing blocks here: processes that served have made the socket so for all that have it.
                    with suppress(OSError):
                        self._answer(self._listener.accept()[0])

    def _answer(self, connection: socket.socket) -> None:
        """Say it, and hear the request out: what is closed with words unread takes the answer along."""
        with connection, suppress(OSError):
            connection.settimeout(_LISTENS_WITHIN)
            heard = len(connection.recv(65_536))
            connection.sendall(_ANSWER)
            connection.shutdown(socket.SHUT_WR)
            while 0 < heard < _MOST and (part := len(connection.recv(65_536))):
                heard += part
