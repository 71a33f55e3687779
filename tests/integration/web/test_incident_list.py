"""The list of incidents, as people use it in Chromium."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
import pytest

from adapters.web.errors import error_page
from integration.web.conftest import SECRET
from integration.web.looking import SCREENS, TEXT, faults, log_in, looking, report, source_token

EVERY_COLUMN = "level,state,start,end,source,description,tags,ticket,key,id"


@pytest.fixture(scope="module")
def token(site):
    return source_token(site)


@pytest.fixture
def reported(site, token, request):
    """A function that reports incidents of this test alone, and the parameters that show just these."""

    class Reported:
        tag = f"test={request.node.name[:60]}".replace(",", "_")

        def __call__(self, **fields):
            tags = [{"tag": self.tag}, *({"tag": tag} for tag in fields.pop("tags", ()))]
            return report(site, token, tags=tags, level=fields.pop("level", 3), **fields)

        def view(self, **more):
            return f"/incidents/?{urlencode({'tags': self.tag, **more})}"

    return Reported()


def show(page, site, view, url=""):
    page.goto(f"{url or site.url}{view}")
    page.wait_for_selector("#list[data-live=yes]")


def ids(page):
    return page.eval_on_selector_all("#list tbody tr", "rows => rows.map(row => Number(row.dataset.id))")


def words(page, incident):
    return page.inner_text(f"#list tr[data-id='{incident}']")


def until(page, incident, said):
    page.wait_for_function(
        "([id, said]) => document.querySelector(`#list tr[data-id='${id}']`)?.innerText.includes(said)", arg=[incident, said]
    )


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_two_people_see_each_others_acks(chromium, site, reported):
    one, two = reported(description="One"), reported(description="Two")
    with looking(chromium, site) as mine, looking(chromium, site, name="sam") as theirs:
        show(mine, site, reported.view(open="true"))
        show(theirs, site, reported.view(open="true"))
        mine.check(f"#list input[value='{one}']")
        mine.click("button:text-is('for 2 hours')")
        until(theirs, one, "acked")
        theirs.check(f"#list input[value='{two}']")
        theirs.click("button:text-is('for good')")
        until(mine, two, "acked")

        assert "You have acknowledged 1 incident." in mine.inner_text("#outcome")


def test_what_another_process_stores_is_heard_of(chromium, site, reported):
    incident = reported(description="One")
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        close_elsewhere(site, incident)
        until(page, incident, "closed")


def close_elsewhere(site, incident):
    """Somebody closes it through the neighbour, who shares nothing with the site but the database."""
    post(site.neighbour, f"/api/v2/incidents/{incident}/events/", {"type": "CLO"})


def post(url, path, body):
    with httpx.Client(base_url=url) as client:
        token = client.post("/api/v2/token-auth/", json={"username": "alice", "password": SECRET}).json()["token"]
        assert client.post(path, json=body, headers={"Authorization": f"Token {token}"}).status_code == 201


def test_rows_do_not_move_while_things_happen(chromium, site, reported):
    """
    New incidents are announced, changed ones change in place, those that do not belong any more stay: all at the same coordinates.
    """
    here = [reported(description=f"Number {number}") for number in range(6)]
    with looking(chromium, site) as page:
        show(page, site, reported.view(open="true"))
        boxes = "() => [...document.querySelectorAll('#list tbody tr')].map(row => [row.dataset.id, row.getBoundingClientRect().top])"
        before = page.evaluate(boxes)
        new = [reported(description="New " + TEXT["long"]) for _ in range(3)]
        page.wait_for_selector("#news:text-is('3 new, show')")
        close_elsewhere(site, here[2])
        until(page, here[2], "no longer in this view")

        assert before == page.evaluate(boxes)

        page.click("#news")
        page.wait_for_function("number => document.querySelectorAll('#list tbody tr').length === number", arg=8)
        assert [*reversed(new), here[5], here[4], here[3], here[1], here[0]] == ids(page)


def test_an_ack_that_expires_shows(chromium, site, reported):

    incident = reported(description="Soon")
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        post(site.url, f"/api/v2/incidents/{incident}/acks/", {"expiration": (datetime.now(UTC) + timedelta(seconds=3)).isoformat()})
        until(page, incident, "acked")

        page.wait_for_function("id => !document.querySelector(`#list tr[data-id='${id}']`).innerText.includes('acked')", arg=incident)


def test_what_is_refused_is_told_and_stays_chosen(chromium, site, reported):
    closed, open_ = reported(), reported()
    close_elsewhere(site, closed)
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.check("#all")
        page.click("#do-close")
        page.wait_for_selector("#outcome .refused")

        assert "You have closed 1 incident." in page.inner_text("#outcome")
        assert f"{closed}: The incident is already closed." == page.inner_text("#outcome .refused")
        assert [str(closed)] == page.eval_on_selector_all("#list tbody :checked", "boxes => boxes.map(box => box.value)")
        until(page, open_, "closed")


def test_many_get_a_ticket_and_are_reopened(chromium, site, reported):
    here = [reported(), reported()]
    for incident in here:
        close_elsewhere(site, incident)
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.check("#all")
        page.fill("[name=ticket_url]", "https://tickets.example.org/1")
        page.click("button:text-is('Note the ticket')")
        for incident in here:
            page.wait_for_selector(f"tr[data-id='{incident}'] a[href='https://tickets.example.org/1']")
        page.check("#all")
        page.click("button:text-is('Reopen')")
        for incident in here:
            until(page, incident, "open")
        page.wait_for_selector("text=You have reopened 2 incidents.")

        page.check("#all")
        page.fill("[name=ticket_url]", "javascript:alert(1)")
        page.click("button:text-is('Note the ticket')")
        page.wait_for_selector("#outcome .problem")
        assert "Enter a valid URL." in page.inner_text("#outcome")


def test_a_view_is_kept_as_a_filter(chromium, site, reported):
    critical = reported(level=1)
    reported(level=4)
    with looking(chromium, site) as page:
        show(page, site, reported.view(level__lte="2", open="true"))
        page.fill("#keep-name", "The worst of this test")
        page.click("text=Keep it")
        page.wait_for_url("**filter_pk=*")

        assert [critical] == ids(page)
        assert "The worst of this test" == page.locator("#f-filter_pk option:checked").inner_text()
        page.goto(f"{site.url}/incidents/?open=true")
        page.select_option("#f-filter_pk", label="The worst of this test")
        page.click("#filter button")
        assert [critical] == ids(page)


def test_mistakes_are_told_at_their_field(chromium, site):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/incidents/?tags=nonsense&duration__gte=long&source__type__in=nothing")

        assert "true" == page.get_attribute("#f-tags", "aria-invalid")
        assert "key=value" in page.inner_text("#f-tags-problem")
        assert "Enter a number." == page.inner_text("#f-duration__gte-problem")
        assert "Nothing is listed until the filter is mended." in page.inner_text("main")


def test_tags_are_completed(chromium, site, reported):
    reported(tags=["room=aurora-1", "room=aurora-2"])
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.wait_for_timeout(100)
        page.fill("#f-tags", "host=a,auror")
        page.wait_for_selector("#known-tags option[value='host=a,room=aurora-1']", state="attached", timeout=20_000)


def test_columns_are_chosen_in_the_address(chromium, site, reported):
    reported(source_incident_id="known-there")
    with looking(chromium, site) as page:
        show(page, site, reported.view(columns="id,key"))

        assert ["", "Key at the source", "Number"] == [text.strip() for text in page.locator("#list th").all_inner_texts()]
        assert "known-there" in page.inner_text("#list")


def test_pages_go_on_and_back(chromium, site, reported):
    here = [reported() for _ in range(25)][::-1]
    with looking(chromium, site) as page:
        show(page, site, reported.view(page_size="10"))
        seen = [ids(page)]
        for step in ("Older", "Older", "Newer", "Newest", "Oldest"):
            with page.expect_navigation():
                page.click(f"#pager a:text-is('{step}')")
            seen.append(ids(page))

    assert [here[:10], here[10:20], here[20:], here[10:20], here[:10], here[15:]] == seen


def test_without_scripts_it_is_read_and_used(chromium, site, reported):
    incident = reported(description="Plain")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site)
    page.goto(f"{site.url}{reported.view()}")
    page.check(f"#list input[value='{incident}']")
    page.click("button:text-is('for good')")

    assert "You have acknowledged 1 incident." in page.inner_text("#outcome")
    assert "acked" in words(page, incident)
    page.fill("#f-search", "nothing like it")
    page.click("#filter button")
    assert "There is no such incident." in page.inner_text("main")
    context.close()


def test_exports_hold_what_is_shown(chromium, site, reported):
    reported(description='=HYPERLINK("http://evil")')
    reported(description="Plain, with a comma", level=1)
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        with page.expect_download() as got:
            page.click("text=CSV")
        table = list(csv.DictReader(io.StringIO(got.value.path().read_text("utf-8-sig"))))
        with page.expect_download() as got:
            page.click("text=JSON")
        objects = json.loads(got.value.path().read_text())

    assert ["Plain, with a comma", '\'=HYPERLINK("http://evil")'] == [row["description"] for row in table]
    assert [1, 3] == [one["level"] for one in objects]
    assert '=HYPERLINK("http://evil")' == objects[1]["description"]


def test_what_others_have_written_is_text(chromium, site, reported):
    evil = TEXT["evil"]
    first = reported(description=evil, tags=[f"k={evil}"], metadata={"x": evil}, source_incident_id=evil)
    second = reported(description="javascript:alert(1)", details_url="javascript:document.title='cracked'")
    with looking(chromium, site) as page:
        show(page, site, reported.view(columns=EVERY_COLUMN))
        close_elsewhere(site, first)
        until(page, first, "closed")

        assert evil in words(page, first)
        assert "Incidents \N{EN DASH} Argus" == page.title()
        assert [] == page.eval_on_selector_all("#list [href]", "all => all.map(a => a.href).filter(href => href.startsWith('javascript'))")
        assert second in ids(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_use_it(chromium, site, reported, screen):
    for level, text in enumerate((TEXT["long"], TEXT["arabic"], "Link down", TEXT["evil"], "نظام mixed نص"), 1):
        reported(level=level, description=text, tags=[f"long={TEXT['long']}", *(f"t={number}" for number in range(12))])
    found = {}
    with looking(chromium, site, screen, name="sam") as page:
        for view in (
            *(reported.view(), reported.view(columns=EVERY_COLUMN), "/incidents/?tags=none=none", "/incidents/?tags=wrong"),
            *("/incidents/?open=true", f"/incidents/?search={TEXT['long']}"),
        ):
            page.goto(f"{site.url}{view}")
            page.wait_for_load_state("load")
            found[view] = faults(page)

    assert {view: [] for view in found} == found


def test_a_thousand_rows_are_one_page(chromium, site, reported):
    with looking(chromium, site) as page:
        show(page, site, "/incidents/?page_size=1000")

        assert len(ids(page)) > 20
        press(page, "Shift+A")
        assert "chosen" in page.inner_text("#chosen")


def test_keys_can_be_turned_off(chromium, site, reported):
    reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        press(page, "?")
        page.uncheck("#keys")
        press(page, "Escape", "j", "x")

        assert 0 == page.locator("#list tbody :checked").count()


def test_headers_sort_and_an_open_list_keeps_to_the_order(chromium, site, reported):
    """
    What happens moves nothing: that the order is another one now is announced.
    """
    mild, worst = reported(level=3), reported(level=1)
    newest = reported(level=4)
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        assert [newest, worst, mild] == ids(page)
        page.click("#list th a:text('Level')")
        page.wait_for_url("**sort=level*")
        page.wait_for_selector("#list[data-live=yes]")
        assert ([worst, mild, newest], "ascending") == (ids(page), page.get_attribute("#list th.c-level", "aria-sort"))
        assert [] == faults(page)

        change(site, worst, {"level": 5})
        until(page, worst, "5 information")
        page.wait_for_selector("#news:text-is('Another order, show')")
        assert [worst, mild, newest] == ids(page)
        page.click("#news")
        page.wait_for_selector("#news", state="hidden")
        assert [mild, newest, worst] == ids(page)

        added = reported(level=2)
        page.wait_for_selector("#news:text-is('1 new, show')")
        page.click("#news")
        page.wait_for_function("number => document.querySelectorAll('#list tbody tr').length === number", arg=4)
        assert [added, mild, newest, worst] == ids(page)
        page.click("#list th a:text('Level')")
        page.wait_for_url("**sort=-level*")
        assert ([worst, newest, mild, added], "descending") == (ids(page), page.get_attribute("#list th.c-level", "aria-sort"))


def change(site, incident, body):
    with httpx.Client(base_url=site.url) as client:
        token = client.post("/api/v2/token-auth/", json={"username": "alice", "password": SECRET}).json()["token"]
        assert client.patch(f"/api/v2/incidents/{incident}/", json=body, headers={"Authorization": f"Token {token}"}).status_code == 200


def turn_away(page, *, hidden):
    """Another tab is in front, or not any more, as far as the page can tell."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def rows_of(page):
    """Each row as it reads, but for how long ago things were."""
    return page.eval_on_selector_all(
        "#list tbody tr", "rows => rows.map(row => [row.className, row.innerText.replace(/(, |\\n)(now|.* ago|in .*)/g, '')])"
    )


def test_a_tab_that_comes_back_has_the_list_of_a_fresh_one(chromium, site, reported):
    """
    While nobody sees it, it hears nothing and costs no connection; then it catches up with everything at once.
    """
    one, two, three = (reported(description=f"Number {number}") for number in range(3))
    with looking(chromium, site) as page, looking(chromium, site, name="sam") as other:
        show(page, site, reported.view(open="true"))
        turn_away(page, hidden=True)
        page.wait_for_selector("#list[data-live=no]")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        close_elsewhere(site, one)
        post(site.url, f"/api/v2/incidents/{two}/acks/", {})
        change(site, three, {"level": 1})
        new = reported(description="While nobody looked")
        show(other, site, reported.view(open="true"))
        assert ([], [three, two, one]) == (asked, ids(page))

        turn_away(page, hidden=False)
        until(page, one, "no longer in this view")
        until(page, two, "acked")
        until(page, three, "1 critical")
        page.wait_for_selector("#news:text-is('1 new, show')")
        page.click("#news")
        page.wait_for_function("id => document.querySelector(`#list tr[data-id='${id}']`)", arg=new)

        assert [new, three, two] == ids(page)
        assert rows_of(other) == rows_of(page)


def test_a_tab_that_comes_back_after_its_session_says_so(chromium, site, reported):
    reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        turn_away(page, hidden=True)
        page.context.clear_cookies()
        turn_away(page, hidden=False)

        page.wait_for_selector("#list[data-live=over]")
        assert "You are logged out: what you see is not renewed any more." == page.inner_text("#told")


def test_a_list_that_is_not_renewed_says_since_when(chromium, site, reported):
    reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.route("**/incidents/stream/**", lambda route: route.abort())
        turn_away(page, hidden=True)
        turn_away(page, hidden=False)
        page.wait_for_selector("#told.problem", timeout=20_000)
        assert page.inner_text("#told").startswith("Not connected since")
        assert [] == faults(page)
        page.unroute("**/incidents/stream/**")
        page.wait_for_selector("#list[data-live=yes]")

        assert "" == page.inner_text("#told")


def test_a_connection_that_is_dead_without_a_word_is_made_again(chromium, site, reported):
    """
    The server says something every 20 seconds. Without that the list is not believed to be live.
    """
    reported()
    with looking(chromium, site) as page:
        page.clock.install()
        show(page, site, reported.view())
        page.clock.fast_forward(40_000)
        assert "yes" == page.get_attribute("#list", "data-live")
        with page.expect_request("**/incidents/stream/**"):
            page.clock.fast_forward(20_000)
        page.wait_for_selector("#list[data-live=yes]")


ANSWERS = {
    "away": (lambda route: route.abort(), "Argus cannot be reached: it may not have been done. Look, and try again."),
    "mistake": (lambda route: route.fulfill(status=500, body=error_page(500, "The log tells more.").content), "The log tells more."),
    "proxy": (lambda route: route.fulfill(status=504, body="Gateway Time-out"), "The server answers 504"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_act_that_fails_says_so(chromium, site, reported, answer):
    incident = reported()
    fail, said = ANSWERS[answer]
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.route("**/incidents/", fail)
        page.check(f"#list input[value='{incident}']")
        page.click("#do-close")
        page.wait_for_selector("#failing")
        assert said in page.inner_text("#failing")
        assert page.is_checked(f"#list input[value='{incident}']")
        assert [] == faults(page)

        page.unroute("**/incidents/")
        page.click("#do-close")
        page.wait_for_selector("#outcome .news")
        assert page.is_hidden("#failing")


def test_an_act_after_the_session_says_so_and_puts_no_login_into_the_list(chromium, site, reported):
    incident = reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.context.clear_cookies()
        page.check(f"#list input[value='{incident}']")
        page.click("#do-close")
        page.wait_for_selector("#failing")

        said = "You are logged out: This was not done. Log in in another tab, then load this page again."
        assert (said, "") == (page.inner_text("#failing"), page.inner_text("#outcome"))


def test_enter_notes_the_ticket_that_was_typed_and_nothing_is_left_for_the_next_act(chromium, site, reported):
    """
    It would press the first button of all, which acknowledges; a double click is one.
    """
    one, two = reported(), reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        page.check(f"#list input[value='{one}']")
        page.fill("#bulk [name=why]", "power cut")
        press(page, "Enter")
        page.fill("#bulk [name=ticket_url]", "https://tickets.example.org/1")
        press(page, "Enter")
        page.wait_for_selector("#outcome .news")
        assert "You have noted the ticket of 1 incident." == page.inner_text("#outcome")
        assert ["", ""] == [page.input_value(f"#bulk [name={name}]") for name in ("why", "ticket_url")]
        assert "acked" not in words(page, one)

        page.check(f"#list input[value='{two}']")
        page.dblclick("#do-ack")
        until(page, two, "acked")
        assert "You have acknowledged 1 incident." == page.inner_text("#outcome")


def test_an_end_that_comes_shows(chromium, site, token, reported):
    """
    Its source says when it will end; until then it is open.
    """
    incident = reported()
    with looking(chromium, site) as page:
        show(page, site, reported.view(open="true", columns=EVERY_COLUMN))
        end = {"type": "END", "timestamp": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
        headers = {"Authorization": f"Token {token}"}
        assert httpx.post(f"{site.url}/api/v2/incidents/{incident}/events/", json=end, headers=headers, timeout=30).status_code == 201
        page.wait_for_function("id => document.querySelector(`#list tr[data-id='${id}'] .c-end`).innerText !== '\u2013'", arg=incident)

        until(page, incident, "no longer in this view")
        assert "closed" in words(page, incident)


def test_staff_share_a_filter_that_others_use(chromium, site, reported):
    critical = reported(level=1)
    reported(level=4)
    with looking(chromium, site, name="sam") as sam, looking(chromium, site) as alice:
        show(sam, site, reported.view(level__lte="2"))
        sam.fill("#keep-name", "Worst here")
        sam.click("text=Keep it")
        sam.wait_for_url("**filter_pk=*")
        address = sam.url
        alice.goto(address)
        assert "There is no such filter, or it is not shared any more." == alice.inner_text("#f-filter_pk-problem")

        sam.click("a:text('Kept filters')")
        sam.click("[aria-label='Share with everybody Worst here']")
        assert "Everybody can use the filter now." == sam.inner_text(".news")
        assert [] == faults(sam)
        alice.goto(f"{site.url}/incidents/")
        alice.select_option("#f-filter_pk", label="Worst here, shared by sam")
        alice.click("#filter button")
        assert [critical] == ids(alice)
        alice.goto(f"{site.url}/incidents/filters/")
        assert "Shared by sam" in alice.inner_text("main")
        assert 0 == alice.locator("main button").count()
        assert [] == faults(alice)

        sam.click("[aria-label='Stop sharing Worst here']")
        alice.goto(address)
        assert [] == ids(alice)
        sam.goto(address)
        assert [critical] == ids(sam)


def test_conditions_in_groups_are_made_shared_and_changed(chromium, site, reported):
    """
    At least one of several, which the fields cannot say; whoever gets the address sees the same.
    """
    critical, said, _ = reported(level=1), reported(description="On fire"), reported()
    with looking(chromium, site) as page, looking(chromium, site, name="sam") as other:
        show(page, site, reported.view(sort="start"))
        page.click("text=More conditions, and columns")
        page.click("text=Conditions in groups")
        page.select_option("[name='e.kind']", "any")
        for number, kind in enumerate(("maxlevel", "text")):
            page.select_option("[name='e.add']", kind)
            page.click("button[value='add:e']")
            page.wait_for_selector(f"[name='e.{number}.value']")
        page.select_option("[name='e.0.value']", "1")
        page.fill("[name='e.1.value']", "on fire")
        assert [] == faults(page)
        page.click("form#filter > p button")
        page.wait_for_url("**where=*")

        assert [critical, said] == ids(page)
        assert "meets at least one of these" in page.inner_text(".besides")
        assert [] == faults(page)
        other.goto(page.url)
        assert [critical, said] == ids(other)
        page.click("text=Change these conditions")
        assert "on fire" == page.input_value("[name='e.0.1.value']")
        page.click("button[value='drop:e.0.0']")
        page.wait_for_selector("[name='e.0.1.value']", state="detached")
        page.click("form#filter > p button")
        page.wait_for_selector(".besides")
        assert [said] == ids(page)
        page.click("text=Leave them out")
        assert 3 == len(ids(page))


def test_columns_are_chosen_with_boxes_and_kept_in_the_address(chromium, site, reported):
    reported()
    with looking(chromium, site) as page, looking(chromium, site, name="sam") as other:
        show(page, site, reported.view(sort="end"))
        page.click("text=More conditions, and columns")
        page.uncheck(".boxes [value=tags]")
        page.check(".boxes [value=end]")
        page.click("#filter button")

        names = ["Level", "State", "Description", "Source", "Start", "End", "Ticket"]
        for one in (page, other):
            one.goto(page.url)
            assert names == [text.strip(" ▲▼\n") for text in one.locator("#list th").all_inner_texts()[1:]]
            assert "ascending" == one.get_attribute("#list th.c-end", "aria-sort")


def test_pick_lists_hold_several(chromium, site, reported):
    other = source_token(site, "second")
    one, two = reported(), report(site, other, tags=[{"tag": reported.tag}])
    third = report(site, source_token(site, "third"), tags=[{"tag": reported.tag}])
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        assert {one, two, third} == set(ids(page))
        page.click("#f-source__id__in")
        page.get_by_label("nav (nav)", exact=True).check()
        page.get_by_label("second (nav)", exact=True).check()
        page.click("#filter .buttons button")

        assert [two, one] == ids(page)
        assert "2 chosen" == page.inner_text("#f-source__id__in-said")


def test_levels_differ_in_shape_and_in_colour(chromium, site, reported):
    """
    And in their words: each alone is enough.
    """
    here = [reported(level=level) for level in (1, 2, 3, 4, 5)]
    for screen in ("light", "dark"):
        with looking(chromium, site, screen) as page:
            show(page, site, reported.view())
            look = "shape => [shape.innerHTML, getComputedStyle(shape).fill, shape.parentNode.innerText.trim()]"
            seen = [page.eval_on_selector(f"tr[data-id='{incident}'] .shape", look) for incident in here]

            assert [5, 5, 5] == [len({one[what] for one in seen}) for what in range(3)]


def test_times_are_those_of_whoever_looks(chromium, site, reported):
    """
    When it was by their clock, and how long ago that is.
    """
    start = datetime.now(UTC) - timedelta(hours=3, minutes=5)
    incident = reported(start_time=start.isoformat())
    context = chromium.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    log_in(page, site)
    show(page, site, reported.view())

    assert f"{start.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M}, 3 hr. ago" == page.text_content(
        f"tr[data-id='{incident}'] .c-start"
    )
    context.close()


def test_every_key_does_what_the_help_says(chromium, site, reported):
    first, second = [reported() for _ in range(2)][::-1]
    focused = "() => document.activeElement.id || document.activeElement.value"
    with looking(chromium, site) as page:
        show(page, site, reported.view())
        press(page, "j", "j", "k")
        assert str(first) == page.evaluate(focused)
        press(page, "j", "x")
        assert [str(second)] == page.eval_on_selector_all("#list tbody :checked", "boxes => boxes.map(box => box.value)")
        for key, there in (("a", "do-ack"), ("c", "do-close"), ("/", "f-search")):
            press(page, key)
            assert there == page.evaluate(focused)
            press(page, "Escape")
        press(page, "?")
        assert page.is_visible("#help")
        press(page, "Escape", "k", "o")
        page.wait_for_url(f"**/incidents/{first}/")
