"""How a webhook is signed: HMAC-SHA256 over its id, the time and the body."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"
FEWEST_BYTES = 24
MOST_BYTES = 64


def key_of(secret: str) -> bytes:
    """
    The bytes of a secret that is written as `whsec_` and base64.

    Raises:
        ValueError: it is written differently, or is too short or too long.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"Enter {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} random bytes in base64.")
    return key


def webhook_id(message_id: str) -> str:
    """The id of a message as it is signed: a full stop in it would let its end pass for the time."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", message_id)


def signed_headers(key: bytes, message_id: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of one attempt. The id is the same in each attempt, the time is not."""
    id_, timestamp = webhook_id(message_id), str(int(now.timestamp()))
    signed = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
