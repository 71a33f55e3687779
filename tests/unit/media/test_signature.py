"""Signatures are what other libraries for Standard Webhooks expect."""

from datetime import UTC, datetime

import pytest

from adapters.media.signature import key_of, signed_headers

# The example that the libraries of Standard Webhooks are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
MOMENT = datetime.fromtimestamp(1614265330, UTC)


def test_a_known_message_has_the_known_signature():
    signed = signed_headers(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", MOMENT, BODY)

    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_an_id_cannot_pass_for_a_time():
    signed = signed_headers(key_of(SECRET), "42.2.7 é\r\n", MOMENT, BODY)

    assert signed["webhook-id"] == "42_2_7____"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", SECRET.removeprefix("whsec_"), SECRET[:-1]])
def test_what_is_no_secret_is_refused(secret):
    with pytest.raises(ValueError, match="whsec_"):
        key_of(secret)
