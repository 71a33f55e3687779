"""What can be measured of how pages look: their weight, and what has room on them, also on a phone and from right to left."""

import pytest

from integration.web.looking import SCREENS, TEXT, looking, report, source_token

ARABIC = f"{TEXT['arabic']} {TEXT['arabic']} {TEXT['arabic']}"
HEBREW = "הקישור נותק"
MOST_BYTES = 100_000
PAGES = (
    *(
        "/incidents/?open=true",
        "/overview/",
        "/overview/wall/",
        "/notifications/",
        "/notifications/deliveries/",
        "/notifications/filters/new/",
    ),
    *("/notifications/timeslots/new/", "/notifications/profiles/new/", "/notifications/destinations/new/email/", "/account/", "INCIDENT"),
)


@pytest.fixture(scope="module")
def incidents(site):
    """From the right, and without a place to break; sixty of them, so that a page is full. Gives their numbers."""
    token = source_token(site, "مراقبة-الشبكة-الرئيسية-في-أوسلو")
    tags = [{"tag": "site=oslo"}, {"tag": f"host={TEXT['long'][:60]}"}, {"tag": f"note={TEXT['arabic']}"}]
    titles = (ARABIC, TEXT["long"])
    return [report(site, token, description=titles[number % 2], tags=tags, level=1 + number % 5) for number in range(60)]


def first_letter_and_cell(page, row):
    """Where the first letter of a row's title is, and where its column."""
    return page.evaluate(
        """row => {
            const title = document.querySelector(`#list tr[data-id='${row}'] .title`);
            const range = document.createRange();
            range.setStart(title.firstChild, 0);
            range.setEnd(title.firstChild, 1);
            return [range, title.closest("td")].map(one => (({left, right}) => [left, right])(one.getBoundingClientRect()));
        }""",
        row,
    )


@pytest.mark.parametrize("path", PAGES)
def test_the_first_page_weighs_less_than_100_kilobytes(chromium, site, incidents, path):
    """
    With all that it needs, for a browser that has been nowhere before.
    """
    with looking(chromium, site) as page:
        cookies = page.context.cookies()
    context = chromium.new_context()
    context.add_cookies(cookies)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    weights = []
    network.on("Network.loadingFinished", lambda told: weights.append(told["encodedDataLength"]))
    page.goto(f"{site.url}{path.replace('INCIDENT', f'/incidents/{incidents[0]}/')}")
    page.wait_for_timeout(500)
    context.close()

    assert 5_000 < sum(weights) < MOST_BYTES


@pytest.mark.parametrize("screen", SCREENS)
def test_titles_from_the_right_begin_at_their_beginning(chromium, site, incidents, screen):
    with looking(chromium, site, screen) as page:
        page.goto(f"{site.url}/incidents/?open=true")
        letter, cell = first_letter_and_cell(page, incidents[-2])

    assert cell[0] - 1 <= letter[0] < letter[1] <= cell[1] + 1


def test_a_long_tag_does_not_hide_others(chromium, site, incidents):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/incidents/?open=true")
        shown = page.evaluate(
            """row => {
                const cell = document.querySelector(`#list tr[data-id='${row}'] .c-tags`);
                const {right, bottom} = cell.getBoundingClientRect();
                const places = [...cell.querySelectorAll(".tag")].map(tag => tag.getBoundingClientRect());
                return places.filter(place => place.right <= right + 1 && place.bottom <= bottom + 1).length;
            }""",
            incidents[-1],
        )

    assert 2 == shown


def test_with_all_columns_the_description_has_room(chromium, site, incidents):
    with looking(chromium, site) as page:
        page.goto(f"{site.url}/incidents/?columns=level,state,start,end,source,description,tags,ticket,key,id")
        width = page.evaluate("document.querySelector('#list th.c-description').getBoundingClientRect().width")

    assert width > 200


@pytest.mark.parametrize(("width", "least"), [(768, 350), (1280, 350), (1600, 500), (1920, 600)])
def test_the_description_has_most_of_the_room(chromium, site, incidents, width, least):
    """
    More than any other column, of which none is cut off at the edge; and rows are of one height, whatever is in them.
    """
    with looking(chromium, site) as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site.url}/incidents/?open=true")
        page.wait_for_selector("#list .when .ago")
        widths = page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("#list tbody tr:first-child td")]
                .map(cell => [cell.className, cell.getBoundingClientRect().width]))"""
        )
        over = page.evaluate("(list => list.scrollWidth - list.clientWidth)(document.getElementById('list'))")
        heights = page.eval_on_selector_all("#list tbody tr", "rows => rows.map(row => row.getBoundingClientRect().height)")

    assert widths.pop("c-description") > max(least, *widths.values())
    assert 0 == over
    assert 1 == len(set(heights))


def test_a_time_is_told_whole_where_it_is_stacked(chromium, site, incidents):
    with looking(chromium, site) as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{site.url}/incidents/?open=true&columns=start&columns=end")
        page.wait_for_selector("#list .when .ago")
        cut = page.eval_on_selector_all(
            "#list tbody .c-start",
            "all => all.filter(one => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight).length",
        )

    assert 0 == cut


def test_on_a_phone_the_list_begins_on_the_first_screen(chromium, site, incidents):
    """
    What it can be asked for is folded away, and comes when somebody wants it; a mistake unfolds it.
    """
    with looking(chromium, site, "phone") as page:
        page.goto(f"{site.url}/incidents/?open=true")
        first = page.locator("#list tbody tr").first.bounding_box()
        hidden = page.is_hidden("#f-search")
        page.click("text=Conditions (1)")
        shown = page.is_visible("#f-search")
        page.goto(f"{site.url}/incidents/?tags=wrong")

        assert (True, True, True) == (hidden, shown, page.is_visible("#f-tags"))
        assert first["y"] + first["height"] < SCREENS["phone"]["viewport"]["height"]


def test_on_a_phone_a_row_says_what_it_is(chromium, site, incidents):
    """
    What, how, from where and since when are seen without moving anything sideways, and rows are of one height.
    """
    with looking(chromium, site, "phone") as page:
        page.goto(f"{site.url}/incidents/?open=true")
        outside = page.eval_on_selector_all(
            "#list tbody :is(.c-description, .c-state, .c-source, .c-start, .c-level svg)",
            """all => all.map(one => one.getBoundingClientRect())
                .filter(({left, right}) => right - left < 10 || left < 0 || right > innerWidth).length""",
        )
        heights = page.eval_on_selector_all("#list tbody tr", "rows => rows.map(row => row.getBoundingClientRect().height)")

    assert 0 == outside
    assert 1 == len(set(heights))


def test_on_a_phone_nothing_sticks_out(chromium, site, incidents):
    with looking(chromium, site, "phone", "sam") as page:
        page.goto(f"{site.url}/notifications/destinations/new/email/")
        page.fill("[name='s.email_address']", f"{'x' * 60}@{'example' * 6}.org")
        page.fill("#label", HEBREW)
        page.click("main button:text-is('Keep it') >> nth=-1")
        out = {}
        for path in (*PAGES, "INCIDENT?who=sam", "INCIDENT?who=nobody", f"/incidents/?search={TEXT['long'] * 2}", "/incidents/?tags=wrong"):
            page.goto(f"{site.url}{path.replace('INCIDENT', f'/incidents/{incidents[1]}/')}")
            out[path] = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert dict.fromkeys(out, 0) == {path: max(by, 0) for path, by in out.items()}


def test_a_label_from_the_right_does_not_turn_the_address_around(chromium, site):
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}/notifications/destinations/new/email/")
        page.fill("[name='s.email_address']", "turned@example.org")
        page.fill("#label", f"{HEBREW} 2")
        page.click("main button:text-is('Keep it') >> nth=-1")

        assert "ltr" == page.locator("h3 bdi", has_text="turned@example.org").evaluate("one => getComputedStyle(one).direction")


@pytest.mark.parametrize("path", ["/incidents/?open=true", "INCIDENT?who=sam", "/notifications/", "/overview/"])
def test_what_others_have_written_has_a_direction_of_its_own(chromium, site, incidents, path):
    """
    Every text with letters that run from the right is in an element whose direction is its own.
    """
    with looking(chromium, site, name="sam") as page:
        page.goto(f"{site.url}{path.replace('INCIDENT', f'/incidents/{incidents[0]}/')}")
        page.wait_for_timeout(300)
        loose = page.evaluate(
            r"""() => {
                const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
                const loose = [];
                while (texts.nextNode()) {
                    const one = texts.currentNode;
                    const isolated = one.parentElement.closest("bdi, [dir=auto], option, title, pre");
                    if (/[\u0590-\u08ff]/.test(one.data) && !isolated) loose.push(one.data.trim());
                }
                return loose;
            }"""
        )

    assert [] == loose
