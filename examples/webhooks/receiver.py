"""A receiver to try webhooks with: `python receiver.py whsec_…` checks each one and prints its subject."""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT = 8088
MOST_BYTES = 1_000_000
MOST_SECONDS = 300


def is_genuine(secret, headers, body, now):
    """Whether whoever knows the secret has sent this, and a moment ago."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > MOST_SECONDS:
        return False
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    return any(hmac.compare_digest(expected, signature) for signature in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, 401 to the rest."""

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), MOST_BYTES))
        genuine = is_genuine(self.server.secret, self.headers, body, time.time())
        # A sender repeats what it is not sure of: whoever acts on webhooks has to remember their ids.
        print(self.headers["webhook-id"], json.loads(body)["data"]["subject"] if genuine else "not genuine", flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_):
        """Be quiet."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", PORT), Receiver)
    server.secret = sys.argv[1]
    print(f"Listening on http://127.0.0.1:{PORT}/", flush=True)
    server.serve_forever()
