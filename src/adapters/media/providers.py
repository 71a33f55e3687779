"""
What may be reached through Apprise, and by whom.

A URL of Apprise begins with a scheme that stands for a provider. Argus takes those that are listed here and no others: not those that read
files, speak to this machine, or speak anything but HTTP. Most go to hosts that the provider has; these are for everybody. The others go to
the host that the URL names. Options, which come after a "?", are listed as well; all others could lead elsewhere or change how it is asked.

Whatever Apprise makes of a URL, it is held to the hosts that `read` finds: see `apprise_child`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.media.public import is_web_port

MOST_CHARACTERS = 1_000


class NotTaken(Exception):
    """The URL is not one that Argus takes; the message says why, without anything of the URL but its scheme."""


@dataclass(frozen=True, slots=True)
class Provider:
    """
    Who is behind a scheme: the name, the hosts that are asked, and the options that may be given.

    A host that begins with a full stop stands for all below it. Without hosts, the URL names the one that is asked.
    """

    name: str
    hosts: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Way:
    """Where a URL leads: the scheme and its provider, the only hosts that may be asked, and whether the user has named them."""

    url: str
    provider: Provider
    hosts: tuple[str, ...]
    named: bool

    @property
    def label(self) -> str:
        """What it may be called, without secrets."""
        return f"{self.provider.name}: {self.hosts[0]}" if self.named else self.provider.name


def _fixed(name: str, *hosts: str, options: str = "") -> Provider:
    return Provider(name, hosts, frozenset(options.split()))


FIXED: Mapping[str, Provider] = {
    "dingtalk": _fixed("DingTalk", "oapi.dingtalk.com"),
    "discord": _fixed("Discord", "discord.com", options="thread"),
    "feishu": _fixed("Feishu", "open.feishu.cn"),
    "flock": _fixed("Flock", "api.flock.com", "api.flock.co"),
    "gchat": _fixed("Google Chat", "chat.googleapis.com"),
    "groupme": _fixed("GroupMe", "api.groupme.com"),
    "ilert": _fixed("ilert", "api.ilert.com"),
    "incidentio": _fixed("incident.io", "api.incident.io"),
    "lark": _fixed("Lark", "open.larksuite.com"),
    "line": _fixed("Line", "api.line.me"),
    "opsgenie": _fixed("Opsgenie", "api.opsgenie.com", "api.eu.opsgenie.com", options="priority region"),
    "pagerduty": _fixed("PagerDuty", "events.pagerduty.com", "events.eu.pagerduty.com", options="region"),
    "pagertree": _fixed("PagerTree", "api.pagertree.com"),
    "pbul": _fixed("Pushbullet", "api.pushbullet.com"),
    "pover": _fixed("Pushover", "api.pushover.net", options="priority sound"),
    "prowl": _fixed("Prowl", "api.prowlapp.com", options="priority"),
    "push": _fixed("Techulus Push", "push.techulus.com"),
    "revolt": _fixed("Revolt", "api.revolt.chat"),
    "signl4": _fixed("SIGNL4", "connect.signl4.com"),
    "slack": _fixed("Slack", "hooks.slack.com", "slack.com"),
    "spike": _fixed("Spike.sh", "api.spike.sh"),
    "splunk": _fixed("Splunk On-Call", "alert.victorops.com"),
    "squadcast": _fixed("Squadcast", "api.squadcast.com", "api.eu.squadcast.com", options="region"),
    "tgram": _fixed("Telegram", "api.telegram.org", options="silent thread topic"),
    "threema": _fixed("Threema", "msgapi.threema.ch"),
    "twilio": _fixed("Twilio", "api.twilio.com"),
    "twist": _fixed("Twist", "api.twist.com"),
    "webex": _fixed("Webex", "webexapis.com", "api.ciscospark.com"),
    "whatsapp": _fixed("WhatsApp", "graph.facebook.com"),
    "zulip": _fixed("Zulip", ".zulipchat.com"),
}
"""Schemes whose URLs name no host: Apprise asks these hosts, always by https."""

HOSTED: Mapping[str, Provider] = {
    **dict.fromkeys(("apprise", "apprises"), Provider("Apprise API")),
    **dict.fromkeys(("bark", "barks"), Provider("Bark")),
    **dict.fromkeys(("form", "forms"), Provider("Form")),
    **dict.fromkeys(("gotify", "gotifys"), Provider("Gotify", options=frozenset({"priority"}))),
    **dict.fromkeys(("hassio", "hassios"), Provider("Home Assistant")),
    **dict.fromkeys(("json", "jsons"), Provider("JSON")),
    **dict.fromkeys(("matrix", "matrixs"), Provider("Matrix")),
    **dict.fromkeys(("mmost", "mmosts"), Provider("Mattermost")),
    **dict.fromkeys(("nctalk", "nctalks"), Provider("Nextcloud Talk")),
    **dict.fromkeys(("ntfy", "ntfys"), Provider("ntfy", options=frozenset({"priority", "tags"}))),
    **dict.fromkeys(("rocket", "rockets"), Provider("Rocket.Chat")),
    **dict.fromkeys(("signal", "signals"), Provider("Signal API")),
    **dict.fromkeys(("synology", "synologys"), Provider("Synology Chat")),
    "workflows": Provider("Teams", options=frozenset({"pa", "ver"})),
    **dict.fromkeys(("xml", "xmls"), Provider("XML")),
}
"""Schemes whose URLs name the host that is asked; with an "s" at the end by https."""

ANYBODYS: Mapping[str, tuple[str, ...]] = {
    "ntfys": ("ntfy.sh",),
    "workflows": (".logic.azure.com", ".api.powerplatform.com"),
}
"""Hosts that everybody may name nevertheless, for they are the provider's."""

_URL = re.compile(r"([A-Za-z0-9]+)://([A-Za-z0-9%._~!$&'()*+=:@/-]+)(?:\?([A-Za-z0-9%._~=&-]*))?", re.ASCII)
_OPTION = re.compile(r"([a-z]+)=([A-Za-z0-9._-]{1,64})", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![2-7][0-9A-Fa-f]|[89A-Fa-f][0-9A-Fa-f])|%7[Ff]")
_NAMED = re.compile(r"(?:[^@/]*@)?([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([0-9]{1,5}))?(?:/[^@]*)?", re.IGNORECASE | re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def read(url: str) -> Way:
    """
    Where a URL leads, in one spelling. Nobody is asked.

    Raises:
        NotTaken: it is none, its scheme or an option is not listed, or the host it names cannot be one.
    """
    found = _URL.fullmatch(url.replace("/#", "/%23")) if len(url) <= MOST_CHARACTERS else None
    if not found or _BAD_ESCAPE.search(url):
        raise NotTaken("Enter a URL of Apprise, such as slack://token_a/token_b/token_c.")
    scheme, rest, query = found[1].lower(), found[2], found[3] or ""
    provider = FIXED.get(scheme) or HOSTED.get(scheme)
    if provider is None:
        raise NotTaken(f"{scheme}:// is not among the services that can be used here.")
    options = _options(scheme, provider, query)
    clean = f"{scheme}://{rest}{options}"
    if provider.hosts:
        return Way(clean, provider, provider.hosts, named=False)
    if scheme == "ntfys" and _TOPIC.fullmatch(rest.rstrip("/")):
        return Way(clean, provider, ANYBODYS[scheme], named=False)
    host = _host(rest)
    return Way(clean, provider, (host,), named=not is_one_of(host, ANYBODYS.get(scheme, ())))


def is_one_of(host: str, hosts: tuple[str, ...]) -> bool:
    """Whether a host is among these, or below one that begins with a full stop."""
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in hosts)


def _options(scheme: str, provider: Provider, query: str) -> str:
    """The options as they follow the URL."""
    given = []
    for part in filter(None, query.split("&")):
        option = _OPTION.fullmatch(part)
        if option is None or option[1] not in provider.options:
            may = f"may have {', '.join(sorted(provider.options))}" if provider.options else "has none"
            raise NotTaken(f"The URL has an option that cannot be used here: {scheme}:// {may}.")
        given.append(part)
    return f"?{'&'.join(given)}" if given else ""


def _host(rest: str) -> str:
    named = _NAMED.fullmatch(rest)
    if named is None or ".." in named[1] or (named[2] and not is_web_port(int(named[2]))):
        raise NotTaken("The URL has to name a host, and no port but 80, 443 or one from 1024 on.")
    return named[1].lower()
