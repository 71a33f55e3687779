"""Every page there is: the addresses under which each route of the router is looked at, and what has to be there for them."""

from collections.abc import Iterator, Mapping

import httpx

from integration.web.looking import TEXT, report, source_token

OUTSIDE = {
    "/login": ("/login/", "/login/?done=out", "/login/?next=/admin/"),
    "/password-reset": ("/password-reset/",),
    "/password-reset/new": ("/password-reset/new/?key=k",),
    "/oidc/complete/{slug:str}": ("/oidc/complete/feide/",),
}
"""For whoever is not logged in."""

PAGES: Mapping[str, tuple[str, ...]] = {
    "/account": ("/account/", "/account/?done=password"),
    "/logout": ("/logout/",),
    "/incidents": (
        *("/incidents/?open=true", "/incidents/?tags=nothing=here", "/incidents/?tags=wrong", "/incidents/?page_size=1000"),
        "/incidents/?columns=level,state,start,end,source,description,tags,ticket,key,id",
    ),
    "/incidents/filters": ("/incidents/filters/",),
    "/incidents/where": (
        "/incidents/where/",
        "/incidents/where/?where=%7B%22any%22%3A%5B%7B%22open%22%3Atrue%7D%5D%7D",
        "/incidents/where/?where=no",
    ),
    "/incidents/{pk:int}": ("/incidents/{incident}/", "/incidents/{incident}/?who=sam", "/incidents/{incident}/?who=nobody"),
    "/overview": ("/overview/",),
    "/overview/wall": ("/overview/wall/", "/overview/wall/?theme=dark", "/overview/wall/?theme=light"),
    "/notifications": ("/notifications/",),
    "/notifications/deliveries": ("/notifications/deliveries/", "/notifications/deliveries/?status=merged"),
    "/notifications/tests": ("/notifications/tests/",),
    "/notifications/destinations/new/{slug:str}": ("/notifications/destinations/new/email/", "/notifications/destinations/new/sms/"),
    "/notifications/destinations/{pk:int}": ("/notifications/destinations/{destination}/",),
    "/notifications/destinations/{pk:int}/delete": ("/notifications/destinations/{destination}/delete/",),
    "/notifications/filters/new": ("/notifications/filters/new/",),
    "/notifications/filters/{pk:int}": ("/notifications/filters/{filter}/",),
    "/notifications/filters/{pk:int}/delete": ("/notifications/filters/{filter}/delete/",),
    "/notifications/profiles/new": ("/notifications/profiles/new/",),
    "/notifications/profiles/{pk:int}": ("/notifications/profiles/{profile}/",),
    "/notifications/profiles/{pk:int}/delete": ("/notifications/profiles/{profile}/delete/",),
    "/notifications/profiles/{pk:int}/dry-run": ("/notifications/profiles/{profile}/dry-run/",),
    "/notifications/timeslots/new": ("/notifications/timeslots/new/",),
    "/notifications/timeslots/{pk:int}": ("/notifications/timeslots/{timeslot}/",),
    "/notifications/timeslots/{pk:int}/delete": ("/notifications/timeslots/{timeslot}/delete/",),
    "/admin": ("/admin/",),
    "/admin/audit": ("/admin/audit/", "/admin/audit/?since=soon"),
    "/admin/authtoken/token": ("/admin/authtoken/token/",),
    "/admin/authtoken/token/{pk:int}/revoke": ("/admin/authtoken/token/{token}/revoke/",),
    "/admin/deliveries": ("/admin/deliveries/", "/admin/deliveries/?user=nobody"),
    "/admin/incidents/test": ("/admin/incidents/test/",),
    "/admin/maintenance": ("/admin/maintenance/", "/admin/maintenance/?q=nothing"),
    "/admin/maintenance/new": ("/admin/maintenance/new/",),
    "/admin/maintenance/{pk:int}": ("/admin/maintenance/{maintenance}/",),
    "/admin/maintenance/{pk:int}/change": ("/admin/maintenance/{maintenance}/change/",),
    "/admin/maintenance/{pk:int}/end": ("/admin/maintenance/{maintenance}/end/",),
    "/admin/plugins": ("/admin/plugins/",),
    "/admin/profiles": ("/admin/profiles/", "/admin/profiles/?q=nothing"),
    "/admin/settings": ("/admin/settings/",),
    "/admin/source-types": ("/admin/source-types/",),
    "/admin/sources": ("/admin/sources/", "/admin/sources/?q=nothing"),
    "/admin/sources/new": ("/admin/sources/new/",),
    "/admin/sources/{pk:int}": ("/admin/sources/{source}/",),
    "/admin/sources/{pk:int}/rotate": ("/admin/sources/{source}/rotate/",),
    "/admin/tokens": ("/admin/tokens/", "/admin/tokens/?q=nothing"),
    "/admin/tokens/{pk:int}/revoke": ("/admin/tokens/{token}/revoke/",),
    "/admin/users": ("/admin/users/", "/admin/users/?q=nothing"),
    "/admin/users/new": ("/admin/users/new/",),
    "/admin/users/{pk:int}": ("/admin/users/{user}/",),
    "/admin/users/{pk:int}/end-sessions": ("/admin/users/{user}/end-sessions/",),
}
"""For a superuser, who may see all of them."""

NO_PAGES = {
    "/static/{name:str}": "a file",
    "/admin/login": "leads elsewhere",
    "/oidc/login/{slug:str}": "leads elsewhere",
    "/notificationprofiles/{pk:int}": "leads elsewhere",
    "/incidents/stream": "a stream",
    **dict.fromkeys(("/incidents/count", "/incidents/people", "/incidents/rows", "/incidents/tags"), "a part of a page"),
    **dict.fromkeys(("/incidents/{pk:int}/state", "/overview/week"), "a part of a page"),
}
"""What else answers to GET, besides exports."""


def addresses(world: Mapping[str, int], room: str) -> Iterator[str]:
    """The addresses of all pages in a room, which is how their routes begin."""
    for route, paths in PAGES.items():
        if route.split("/")[1] == room:
            yield from (path.format(**world) for path in paths)


def furnished(site) -> dict[str, int]:
    """Sam may do everything and has one of each; what can have a name has one that is long, from the right, or means no good."""
    site.argus("user", "grant", "sam", "--superuser")
    key = site.argus("token", "create", "sam", "pages").split()[-1]
    key_of_source = source_token(site, TEXT["arabic"])
    incident = report(site, key_of_source, description=f"{TEXT['arabic']} {TEXT['long']}", tags=[{"tag": f"note={TEXT['evil']}"}], level=2)
    with httpx.Client(base_url=f"{site.url}/api/v2", headers={"Authorization": f"Token {key}"}, timeout=30) as api:

        def kept(path: str, **fields) -> int:
            answer = api.post(path, json=fields)
            assert answer.status_code == 201, answer.text
            return answer.json()["pk"]

        own = "/notificationprofiles/"
        slot = kept(f"{own}timeslots/", name=TEXT["arabic"][:40], time_recurrences=[{"days": [1, 7], "start": "22:00", "end": "23:30"}])
        asks = {"maxlevel": 5, "expression": {"any": [{"tags": ["note=x"]}, {"not": {"text": TEXT["long"][:60]}}]}}
        filter_ = kept(f"{own}filters/", name=TEXT["evil"][:40], filter=asks)
        settings = {"email_address": f"{'x' * 60}@{'example' * 6}.org"}
        destination = kept(f"{own}destinations/", media="email", label=TEXT["arabic"][:40], settings=settings)
        profile = kept(own, name=TEXT["long"][:40], timeslot=slot, filters=[filter_], destinations=[destination], active=True)
        plan = {"start_time": "2020-01-01", "description": f"{TEXT['arabic']} {TEXT['long']}", "filters": [filter_]}
        maintenance = kept("/plannedmaintenance/", **plan)
    sam = site.browser()
    assert sam.log_in("sam").status_code == 303
    files = {name: sam.client.get(f"/admin/{name}/export/?form=json").json() for name in ("users", "sources", "authtoken/token")}
    return {
        "incident": incident,
        "timeslot": slot,
        "filter": filter_,
        "destination": destination,
        "profile": profile,
        "maintenance": maintenance,
        "user": next(one["id"] for one in files["users"] if one["username"] == "alice"),
        "source": files["sources"][0]["id"],
        "token": files["authtoken/token"][0]["id"],
    }
