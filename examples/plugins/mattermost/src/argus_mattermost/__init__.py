"""Incoming webhooks of Mattermost, Rocket.Chat and other chats that take `{"text": …}`, as a medium of Argus."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from adapters.media.outgoing import Outgoing, Refused
from adapters.media.posting import hand_over, host_in
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, Settings


class Mattermost(Medium):
    """Posts each notification as a message in a channel."""

    slug: ClassVar[str] = "mattermost"
    name: ClassVar[str] = "Mattermost"

    def __init__(self, config: Mapping[str, str], *, outgoing: Outgoing | None = None) -> None:
        self._outgoing = outgoing or Outgoing.of(config)

    @property
    def schema(self) -> Mapping[str, Json]:
        """See the port."""
        return {
            "title": "Mattermost Settings",
            "description": "Settings for a DestinationConfig using Mattermost.",
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": {
                    "type": "string",
                    "title": "URL",
                    "description": "That of an incoming webhook. Who has it can write to the channel.",
                    "writeOnly": True,
                },
            },
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port."""
        url = settings.get("url")
        if not isinstance(url, str) or not url.strip():
            raise BadSettings({"url": "This field is required."})
        try:
            return {"url": self._outgoing.check(url.strip())}
        except Refused as error:
            raise BadSettings({"url": str(error)}) from error

    def label(self, settings: Settings) -> str:
        """See the port."""
        return f"Mattermost: {self.host(settings)}"

    def host(self, settings: Settings) -> str:
        """See the port."""
        return host_in(str(settings["url"]))

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. Four spaces before each line keep the chat from reading marks or mentions into what sources say."""
        text = "\n".join(f"    {line}" for line in notification.text.splitlines())
        body = json.dumps({"text": f"{text}\n{notification.link}".rstrip()}).encode()
        await hand_over(self._outgoing, str(settings["url"]), body, {"Content-Type": "application/json"}, clock=utc_now)


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)
