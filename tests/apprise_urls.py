"""A URL of Apprise for each provider that everybody may use; the tokens in them open nothing."""


def like(text: str, length: int) -> str:
    """So many characters of the text, over and over."""
    return (text * length)[:length]


UUID = "8a2c1f7e-1111-4222-8333-444455556666"
URLS = {
    "dingtalk": f"dingtalk://{like('a1', 12)}",
    "discord": f"discord://{like('0123456789', 24)}/{like('aB3', 64)}",
    "feishu": f"feishu://{like('abc1', 36)}",
    "flock": f"flock://{like('a1b2', 24)}",
    "gchat": "gchat://workspace/key/token",
    "groupme": f"groupme://{like('a1', 26)}",
    "ilert": f"ilert://il1api{like('a1b2', 60)}",
    "incidentio": "incidentio://0123456789ABCDEFGHJKMNPQRS/token123",
    "lark": f"lark://{like('abc1', 36)}",
    "line": f"line://{like('t0ken', 40)}/Uabc",
    "opsgenie": f"opsgenie://{UUID}?region=eu&priority=high",
    "pagerduty": f"pagerduty://{like('a1b2', 32)}@{like('c3d4', 20)}",
    "pagertree": f"pagertree://int_{like('a1b2', 12)}",
    "pbul": f"pbul://{like('a1b2', 32)}",
    "pover": f"pover://{like('u1k2', 30)}@{like('t1k2', 30)}?priority=high",
    "prowl": f"prowl://{like('a1b2', 40)}",
    "push": f"push://{UUID}",
    "revolt": f"revolt://{like('b0t', 40)}/{like('CHAN1', 26)}",
    "signl4": "signl4://secret1234",
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#noc",
    "spike": f"spike://{like('a1b2', 32)}",
    "splunk": f"splunk://db:@{UUID}",
    "squadcast": f"squadcast://{like('a1b2', 40)}",
    "tgram": f"tgram://123456789:{like('abcdefg_hij', 35)}/12315544?silent=yes",
    "threema": "threema://*THRMA01@secret123/12345678",
    "twilio": f"twilio://AC{like('a1b2', 32)}:{like('b1c2', 32)}@15551234567/15557654321",
    "twist": "twist://password:user@example.com",
    "webex": f"webex://{like('a1b2c3', 80)}",
    "whatsapp": f"whatsapp://{like('toke1', 60)}@123456789012/15551234567",
    "zulip": f"zulip://bot@acme/{like('a1b2', 32)}",
    "ntfys": "ntfys://noc-oslo?priority=high&tags=fire",
    "workflows": f"workflows://prod-05.westeurope.logic.azure.com:443/{like('a1b2', 32)}/{like('s1G', 43)}",
}
HOSTED = {
    "gotifys": f"gotifys://gotify.example.org/{like('A1b2', 15)}?priority=high",
    "json": "json://chat.example.org/path",
    "jsons": "jsons://me:hush@chat.example.org:8443/path",
    "matrixs": "matrixs://me:hush@matrix.example.org/#noc",
    "mmosts": f"mmosts://chat.example.org/{like('a1b2', 24)}",
    "ntfys": "ntfys://ntfy.example.org/noc",
    "rockets": "rockets://me:hush@chat.example.org/#noc",
    "workflows": f"workflows://flows.example.org/{like('a1b2', 32)}/{like('s1G', 43)}",
    "xmls": "xmls://chat.example.org",
}
