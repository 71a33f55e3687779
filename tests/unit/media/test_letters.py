"""How mails look: whole, harmless, and made once for everybody who gets the same."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given

from adapters.media import letters
from adapters.media.letters import Letters
from adapters.media.mail import MailServer
from argus_core.conformance import sample_notification
from argus_core.domain.incidents import Level
from argus_core.domain.notifications import AskedBy, compose
from strategies import histories

NOW = datetime(2030, 3, 3, 12, tzinfo=UTC)
SERVER = MailServer.of({"ARGUS_DEFAULT_FROM_EMAIL": "Argus på vakt <argus@example.org>"})
SAMPLE = sample_notification()
ASKED = (AskedBy("Office <hours>", "https://argus.example.org/notificationprofiles/7/"), AskedBy("Nights"))


def composed(incident=SAMPLE.incident, profiles=(), **options):
    notification = compose(
        id="42.2.7", incident=incident, events=SAMPLE.events, zone="Europe/Oslo", frontend="https://argus.example.org", **options
    )
    return replace(notification, profiles=tuple(profiles))


def changed(**fields):
    return composed(replace(SAMPLE.incident, **fields))


def written(notification, recipient="alice@example.org"):
    return Letters(SERVER).write(notification, recipient=recipient, now=NOW)


def parsed(content):
    """The message, its plain text and its page."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    text, page = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return message, text, page


class Page(HTMLParser):
    """What of a page is seen, what can be clicked, and what would be done or fetched."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.links, self.tags, self.attributes = "", [], set(), set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.links += [value for name, value in attributes if name == "href"]
        self.seen += "\n" if tag == "br" else ""

    def handle_data(self, data):
        self.seen += data


TAGS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "p", "span", "h1", "h2", "div", "a", "br"}
ATTRIBUTES = {
    "lang",
    "charset",
    "name",
    "content",
    "class",
    "style",
    "role",
    "width",
    "cellpadding",
    "cellspacing",
    "align",
    "valign",
    "href",
}


def test_both_parts_say_the_same():
    _, text, page = parsed(written(composed(profiles=ASKED)))

    seen = " ".join(Page(page).seen.split())
    for said in ["Comment by ola", "2020-02-20 21:02:21 +01:00", "On my way . QUIT", "1 critical", "nav-oslo", "still open", "host=gw1"]:
        assert said in seen
        assert said in " ".join(text.split())
    assert "QUIT Bcc: all@example.org <script>alert(1)</script> =?utf-8?q?=0D=0ABcc:_all?= ü" in seen


@pytest.mark.parametrize("description", ["Router down", " Router down \r\n", "Router down\n\nfor an hour", "Router\tdown\nfor an hour"])
def test_a_page_has_the_first_line_as_its_title_and_says_the_rest_once(description):
    page = parsed(written(changed(description=description)))[2]

    seen = " ".join(Page(page).seen.split())
    assert seen.count("for an hour") == description.count("for an hour")
    assert "Router down" in seen


def test_a_long_description_arrives_whole():
    long = "Ærlig talt 🔥 <b>&amp;\r\n.\r\n  eingerückt\r\n" * 300

    _, text, page = parsed(written(changed(description=long)))

    assert len(long.encode()) > 10_000
    lines = long.strip().splitlines()
    assert lines == text.partition("QUIT\n\n")[2].splitlines()[: len(lines)]
    headline, *rest = lines
    assert f"\n{headline}\n" in Page(page).seen
    assert "\n".join(rest) in Page(page).seen


@given(histories())
def test_nothing_that_anybody_says_becomes_markup(history):
    """A page has only the elements and attributes of the template, and every line fits a mail."""
    notification = compose(id="m", incident=history.incident, events=history.journal, zone="UTC", frontend="https://argus.example.org")

    content = written(notification)

    page = Page(parsed(content)[2])
    assert (set(), set()) == (page.tags - TAGS, page.attributes - ATTRIBUTES)
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.count(b"\n") == content.count(b"\r\n")


def test_nothing_is_fetched_when_a_page_is_looked_at():
    page = parsed(written(composed()))[2]

    assert [] == [word for word in ("url(", "src=", "@import", "<link") if word in page]


@pytest.mark.parametrize(
    ("details_url", "links"),
    [
        ("https://nav.example.org/?a=1&b=<", ["https://nav.example.org/?a=1&b=<"]),
        ("HTTP://nav.example.org/", ["HTTP://nav.example.org/"]),
        ("javascript:alert(1)", []),
        ("ftp://nav.example.org/", []),
        ('"onmouseover="alert(1)', []),
    ],
)
def test_only_addresses_of_pages_become_links(details_url, links):
    page = Page(parsed(written(changed(details_url=details_url)))[2])

    assert [*links, "https://argus.example.org/incidents/42/"] == page.links
    assert details_url in page.seen


def test_the_profiles_are_named_with_their_links():
    _, text, page = parsed(written(replace(SAMPLE, profiles=ASKED)))

    assert Page(page).links[-1] == ASKED[0].link
    assert "because of your notification profiles Office <hours>, Nights." in Page(page).seen
    assert text.endswith(f"profiles:\n- Office <hours>: {ASKED[0].link}\n- Nights\n")


def test_what_nobody_asked_for_names_no_profiles():
    assert [] == [part for part in parsed(written(SAMPLE))[1:] if "because of" in part]


def test_levels_differ_by_more_than_their_colour():
    looks = [letters._LOOKS[level] for level in Level]

    assert len({shape for _, shape in looks}) == len({colour for colour, _ in looks}) == 5
    for level, (colour, shape) in zip(Level, looks, strict=True):
        page = parsed(written(changed(level=level)))[2]
        assert colour in page
        assert shape in page


def test_a_test_says_so_in_both_parts():
    message, *parts = parsed(written(composed(test=True)))

    assert message["Subject"].startswith("[TEST] ")
    assert [True, True] == ["This is a test message" in part for part in parts]


def test_a_message_without_events_has_no_box_for_what_was_said():
    notification = compose(id="m", incident=SAMPLE.incident, events=(), zone="UTC")

    assert "border-left" not in parsed(written(notification))[2]


def test_those_who_get_the_same_differ_in_few_lines(monkeypatch):
    made = []
    page = letters._page
    monkeypatch.setattr(letters, "_page", lambda notification: made.append(notification) or page(notification))
    writer = Letters(SERVER)

    alice, bob = (
        writer.write(replace(composed(profiles=profiles), id=name), recipient=f"{name}@example.org", now=NOW).split(b"\r\n")
        for name, profiles in [("alice", ASKED[:1]), ("bob", ())]
    )

    assert len(made) == 1
    differing = [line for line in alice if line not in bob]
    assert [b"To: alice@example.org", b"Message-ID: <alice@example.org>"] == differing[:2]
    assert all(b"rofile" in line or b"Office" in line or line.endswith(b"=") or b"</" in line for line in differing[2:])


def test_a_repetition_is_the_same_but_for_its_date():
    first, later = (Letters(SERVER).write(SAMPLE, recipient="alice@example.org", now=moment) for moment in (NOW, NOW.replace(hour=13)))

    differing = [line for line in later.split(b"\r\n") if line not in first.split(b"\r\n")]
    assert [b"Date: Sun, 03 Mar 2030 13:00:00 +0000"] == differing


def test_a_newer_state_is_not_shown_as_an_older_one():
    writer = Letters(SERVER)
    old, new = composed(), changed(level=Level.LOW)

    pages = [parsed(writer.write(notification, recipient="alice@example.org", now=NOW))[2] for notification in (old, new)]

    assert [True, False] == ["1 critical" in page for page in pages]
