"""A receiver of webhooks that keeps what it gets."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass(frozen=True, slots=True)
class Hook:
    """What arrived, and when by a clock that only goes forward."""

    id: str
    subject: str
    text: str
    at: float


@dataclass
class Hooks:
    """Takes every webhook, unless it `refuses`: that is asked before each."""

    got: list[Hook] = field(default_factory=list)
    url: str = ""
    refuses: Callable[[], bool] = lambda: False

    @property
    def each(self) -> Sequence[Hook]:
        """What arrived, each once however often it came."""
        return list({hook.id: hook for hook in self.got}.values())

    @property
    def settings(self) -> dict[str, str]:
        """The environment of an Argus that may send webhooks to it."""
        return {"ARGUS_MEDIA": "email,webhook", "ARGUS_OUTGOING_ALLOW": "127.0.0.0/8"}

    @property
    def destination(self) -> dict[str, object]:
        """A destination that leads to it, as API v2 takes one."""
        return {"media": "webhook", "label": "Hook", "settings": {"url": self.url, "secret": SECRET}}


@contextmanager
def hooks() -> Iterator[Hooks]:
    """A receiver until the end of the block."""
    found = Hooks()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]
            refused = found.refuses()
            if not refused:
                found.got.append(Hook(self.headers["webhook-id"], data["subject"], data["text"], time.monotonic()))
            self.send_response(503 if refused else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    found.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
