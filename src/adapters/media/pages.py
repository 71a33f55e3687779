"""A notification as HTML: what all receivers get is rendered once for each event, only the line about their profiles is their own."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from argus_core.domain.incidents import Level
from argus_core.domain.limits import url_problem
from argus_core.domain.notifications import AskedBy, Notification

# Told by shape as well as by colour.
COLOURS = {
    Level.CRITICAL: "#a8071a",
    Level.HIGH: "#b54708",
    Level.MODERATE: "#8a6100",
    Level.LOW: "#0958a8",
    Level.INFORMATION: "#4a5563",
}
SHAPES = {
    Level.CRITICAL: "\N{BLACK DIAMOND}",
    Level.HIGH: "\N{BLACK UP-POINTING TRIANGLE}",
    Level.MODERATE: "\N{BLACK SQUARE}",
    Level.LOW: "\N{BLACK CIRCLE}",
    Level.INFORMATION: "\N{WHITE CIRCLE}",
}

_environment = Environment(
    loader=PackageLoader("adapters.media"), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_page = _environment.get_template("notification.html")
_foot = _environment.from_string(
    '<p class="quiet" style="max-width:640px;margin:12px auto 0;font-size:13px;color:#59636e">'
    "{% for profile in profiles %}Sent for the notification profile "
    '{% if profile.link %}<a href="{{ profile.link }}" style="color:#59636e">{{ profile.name }}</a>{% else %}{{ profile.name }}{% endif %}'
    "{% if not loop.last %}<br>{% endif %}{% endfor %}</p>\n</body>\n</html>\n"
)


def page(notification: Notification) -> str:
    """The notification as a page of HTML that loads nothing from elsewhere."""
    common = _Common(notification)
    return _rendered(common) + _foot_of(notification.profiles)


class _Common:
    """A notification without what differs between its receivers; equal ones are rendered once."""

    def __init__(self, notification: Notification) -> None:
        self.notification = notification
        incident = notification.incident
        self._key = (incident.id, incident.version, notification.subject, notification.news, notification.facts, notification.link)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Common) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key[:3])


@lru_cache(maxsize=256)
def _rendered(common: _Common) -> str:
    told = common.notification
    incident = told.incident
    return _page.render(
        subject=told.subject,
        colour=COLOURS[incident.level],
        shape=SHAPES[incident.level],
        level=f"{incident.level.value} {incident.level.name.lower()}",
        source=incident.source.name,
        test=told.test,
        description=incident.description or f"Incident {incident.id}",
        state=told.state,
        news=[new.split("  ", 1) for new in told.news],
        facts=[(name, value, value if _is_link(value) else "") for name, value in told.facts],
        link=told.link,
    )


@lru_cache(maxsize=1024)
def _foot_of(profiles: tuple[AskedBy, ...]) -> str:
    return _foot.render(profiles=profiles)


def _is_link(text: str) -> bool:
    return text.lower().startswith(("http://", "https://")) and not url_problem(text)
