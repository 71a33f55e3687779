"""The contract of media, what a chat gets, and what becomes of its answers."""

import json
from ipaddress import ip_network

import pytest
from argus_mattermost import Mattermost

from adapters.media.outgoing import Outgoing
from argus_core.conformance import check_medium, sample_notification
from argus_core.ports.media import TryLater, Undeliverable

pytestmark = pytest.mark.anyio

NOTIFICATION = sample_notification()
URL = "https://chat.example.org/hooks/xyz"


def mattermost():
    return Mattermost({}, outgoing=Outgoing(allowed=(ip_network("127.0.0.0/8"),)))


async def test_it_keeps_the_contract_of_media():
    check_medium(Mattermost({}), [{"url": URL}], [{"url": "http://127.0.0.1/"}, {"url": "ftp://chat.example.org/"}, {"url": 7}])


async def test_the_label_shows_the_host_only():
    assert Mattermost({}).label({"url": URL}) == "Mattermost: chat.example.org"


async def test_a_message_is_shown_as_it_is(receiver):
    async with receiver() as got:
        await mattermost().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/hooks/xyz"})

    (request,) = got.requests
    *lines, link = json.loads(request.body)["text"].splitlines()
    assert request.line == "POST /hooks/xyz HTTP/1.1"
    assert NOTIFICATION.link == link
    assert [f"    {line}" for line in NOTIFICATION.text.splitlines()] == lines


@pytest.mark.parametrize(("status", "means"), [(404, Undeliverable), (500, TryLater)])
async def test_what_is_refused_is_given_up_and_what_fails_comes_again(receiver, status, means):
    async with receiver(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status) as got:
        with pytest.raises(means, match=f"127.0.0.1 answered {status}"):
            await mattermost().send(NOTIFICATION, {"url": f"http://127.0.0.1:{got.port}/"})
