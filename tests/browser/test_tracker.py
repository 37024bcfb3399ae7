"""The tracker in a real browser against a real service."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

pytestmark = pytest.mark.slow

PLACEMENT = '<div data-nextbest-placement="home" data-limit="5" data-item-url="/p/{id}"></div>'
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
NO_STORAGE = """Object.defineProperty(window, 'localStorage',
    {get() { throw new DOMException('blocked', 'SecurityError') }})"""


def item(item_id, **given):
    more = " ".join(f'data-item-{name}="{value}"' for name, value in given.items())
    return f'<a id="item" href="#" data-nextbest-item="{item_id}" {more}>{item_id}</a> '


def listed(tab):
    return tab.do(
        "[...document.querySelectorAll('.nextbest-link')].map(n => n.dataset.nextbestItem)"
    )


def test_a_page_view_arrives_once_with_its_page_campaign_and_device(visit):
    tab = visit(locale="de-DE")
    tab.open(path="/shop/a?utm_source=post&utm_campaign=spring&utm_medium=email")
    assert tab.kinds(1) == ["page-view"]
    (event,) = tab.server.events(tab.visitor)
    assert (event["campaign"], event["channel"], event["device"]) == ("spring", "email", "desktop")
    assert event["properties"]["path"] == "/shop/a"
    assert event["properties"]["title"] == "A shop"


def test_nothing_is_sent_or_stored_before_consent_where_it_is_required(visit):
    tab = visit()
    tab.open(PLACEMENT + item("mug-1"), consent="required")
    tab.do("nextbest.track('Signed Up'); nextbest.identify('eve'); item.click()")
    tab.page.wait_for_timeout(700)
    assert tab.calls == []
    assert tab.do("localStorage.length + document.cookie.length") == 0
    assert tab.do("nextbest.anonymousId()") is None
    tab.do("nextbest.consent({marketing: true, analytics: false})")
    assert tab.kinds(2) == ["accept-tracking", "page-view"]
    assert tab.server.get(f"/v1/profiles/{tab.visitor}")["consent"] == {
        "marketing": True,
        "analytics": False,
    }
    assert listed(tab)


def test_consent_is_remembered_on_the_next_page_and_a_refusal_ends_everything(visit):
    tab = visit()
    tab.open(consent="required")
    tab.do("nextbest.consent({marketing: true})")
    visitor = tab.visitor
    tab.kinds(2)
    tab.open(path="/shop/b", consent="required")
    assert tab.kinds(3)[-1] == "page-view"
    tab.do("nextbest.consent({marketing: false})")
    tab.wait(lambda: len(tab.server.kinds(visitor)) == 4)
    assert tab.server.get(f"/v1/profiles/{visitor}")["consent"] == {"marketing": False}
    assert tab.do("Object.keys(localStorage)") == []
    tab.do("nextbest.track('Signed Up')")
    tab.page.wait_for_timeout(400)
    assert len(tab.server.kinds(visitor)) == 4


def test_global_privacy_control_sends_no_event_and_asks_for_lists_without_an_id(visit):
    tab = visit(before=GPC)
    asked = []
    tab.page.on("request", lambda r: asked.append(r.post_data) if "recommend" in r.url else None)
    tab.open(PLACEMENT + item("mug-1"))
    tab.do("nextbest.track('Signed Up'); nextbest.consent({marketing: true})")
    tab.page.click("#item")
    tab.page.wait_for_selector(".nextbest-link")
    tab.page.wait_for_timeout(400)
    assert set(tab.calls) == {"/v1/recommendations"}
    assert all("anonymous_id" not in json.loads(body) for body in asked)
    assert tab.do("localStorage.length") == 0


def test_an_item_view_a_search_a_cart_and_a_purchase_arrive_once_each(visit):
    tab = visit()
    tab.open(
        '<article data-nextbest-view="item" data-nextbest-item="mug-2" data-item-price="7.5">'
        '<h1>Mug</h1><button data-nextbest-add-to-cart data-quantity="2">Buy</button></article>'
        '<form data-nextbest-search onsubmit="return false"><input name="q"></form>'
    )
    assert tab.kinds(2) == ["page-view", "item-view"]
    tab.page.fill("input", " blue mugs ")
    tab.page.press("input", "Enter")
    tab.page.click("button")
    tab.do("""nextbest.track('Order Completed', {order_id: 'o-1', revenue: 15,
              products: [{product_id: 'mug-2', quantity: 2, price: 7.5}]})""")
    assert tab.kinds(5) == ["page-view", "item-view", "search", "add-to-cart", "purchase"]
    events = {event["kind"]: event for event in tab.server.events(tab.visitor)}
    assert events["item-view"]["items"][0]["item_id"] == "mug-2"
    assert events["search"]["properties"]["query"] == "blue mugs"
    line = {"item_id": "mug-2", "quantity": 2.0, "unit_price": 7.5}
    assert events["add-to-cart"]["items"] == [line]
    assert events["purchase"]["value"] == 15.0


def test_a_session_lasts_over_pages_until_half_an_hour_of_silence(visit):
    tab = visit()
    sent = []

    def noted(request):
        if request.url.endswith("/v1/batch"):
            sent.extend(m["context"]["sessionId"] for m in request.post_data_json["batch"])

    tab.page.on("request", noted)
    tab.open()
    tab.kinds(1)
    tab.open(path="/shop/b")
    tab.kinds(2)
    assert len(set(sent)) == 1
    tab.do("""() => { const last = JSON.parse(localStorage['nextbest.session']);
        last.at -= 31 * 60000; localStorage['nextbest.session'] = JSON.stringify(last); }""")
    tab.do("nextbest.track('Signed Up')")
    tab.kinds(3)
    assert len(set(sent)) == 2 and sent[-1] not in sent[:-1]


def test_the_script_tag_says_what_is_sent_by_itself_and_which_places_are_filled(visit):
    tab = visit()
    other = '<div data-nextbest-placement="footer">mine</div>'
    tab.open(
        PLACEMENT + other + item("mug-1"),
        auto="click", placements="home", currency="EUR", id_prefix="shop7-",
    )  # fmt: skip
    tab.page.wait_for_selector(".nextbest-link")
    assert tab.page.locator(".nextbest-item").count() == 5
    assert "€" in tab.page.locator(".nextbest-price").first.inner_text()
    assert tab.page.locator('[data-nextbest-placement="footer"]').inner_text() == "mine"
    tab.page.click("#item")
    assert tab.kinds(1) == ["click-details"]  # and no page view
    assert tab.visitor.startswith("shop7-")


def test_an_item_is_not_viewed_before_it_is_half_in_sight(visit):
    tab = visit()
    tab.open(
        '<div style="height: 3000px"></div>'
        '<p data-nextbest-view="item" data-nextbest-item="mug-2" style="height: 200px">Mug</p>'
    )
    tab.page.wait_for_timeout(1500)
    assert tab.kinds(1) == ["page-view"]
    tab.do("scrollTo(0, 9999)")
    assert tab.kinds(2) == ["page-view", "item-view"]


def test_moving_on_without_loading_a_page_is_a_page_view(visit):
    tab = visit()
    tab.open()
    tab.do("history.pushState(null, '', '/shop/next'); document.title = 'Next'")
    assert tab.kinds(2) == ["page-view", "page-view"]
    last = tab.server.events(tab.visitor)[-1]["properties"]
    assert (last["path"], last["title"]) == ("/shop/next", "Next")
    assert last["referrer"].endswith("/shop/a")


def test_the_queue_survives_a_page_change_while_the_service_is_away(visit):
    tab = visit()
    tab.page.route("**/v1/batch", lambda route: route.abort())
    tab.page.add_init_script("navigator.sendBeacon = () => false")
    tab.open(item("bowl-1"))
    tab.do("item.click(); nextbest.track('Signed Up')")
    visitor = tab.visitor
    tab.page.wait_for_timeout(300)
    assert tab.server.kinds(visitor) == []
    tab.page.unroute("**/v1/batch")
    tab.open(path="/shop/b")
    assert tab.visitor == visitor
    assert tab.kinds(4) == ["page-view", "click-details", "register-account", "page-view"]


def test_what_is_done_offline_arrives_once_with_the_time_it_was_done(visit):
    tab = visit()
    tab.open()
    assert tab.kinds(1) == ["page-view"]
    tab.page.context.set_offline(True)
    tab.do("nextbest.track('Signed Up')")
    tab.page.wait_for_timeout(2500)
    assert tab.server.kinds(tab.visitor) == ["page-view"]
    tab.page.context.set_offline(False)
    assert tab.kinds(2) == ["page-view", "register-account"]
    assert tab.faults == []


def test_a_retry_after_a_500_counts_once(visit):
    tab = visit()
    answers = []

    def once_lost(route):
        answer = route.fetch()  # the service stores the events; its first answer gets lost
        answers.append(answer.status)
        route.fulfill(status=500 if len(answers) == 1 else 200, body=answer.text())

    tab.page.route("**/v1/batch", once_lost)
    tab.open()
    assert tab.wait(lambda: tab.do("localStorage['nextbest.queue'] === '[]'"))
    assert answers == [200, 200]
    assert tab.kinds(1) == ["page-view"]


def test_leaving_the_page_at_once_loses_nothing(visit):
    tab = visit()
    tab.open(item("bowl-1"))
    tab.kinds(1)
    visitor = tab.visitor
    tab.do("item.click(); location.href = 'about:blank'")
    tab.wait(lambda: len(tab.server.kinds(visitor)) == 2)
    assert tab.server.kinds(visitor) == ["page-view", "click-details"]


@pytest.mark.parametrize(
    "answer",
    [{"status": 500, "body": "<html>"}, {"status": 200, "body": "not json"}, None,
     {"status": 200, "body": '{"items": [{}], "decision_id": 1}'}],
)  # fmt: skip
def test_a_broken_service_never_throws_into_the_page(visit, answer):
    tab = visit(before=NO_STORAGE)
    tab.page.add_init_script(
        "addEventListener('unhandledrejection', (e) => { window.fault = String(e.reason) })"
    )
    tab.page.route("**/v1/**", lambda r: r.fulfill(**answer) if answer else r.abort())
    tab.open(PLACEMENT + item("mug-1"))
    tab.do("""() => { const ring = {}; ring.ring = ring;
        nextbest.track('x', ring); nextbest.track(); nextbest.track('y', 'z'.repeat(1e6));
        nextbest.identify('a', ring); nextbest.identify(); nextbest.page(null, null);
        nextbest.consent(null); nextbest.consent('yes'); nextbest.push(['none'], ['track', 'p']);
        nextbest.reset(); nextbest.refresh(); item.click(); }""")
    tab.page.wait_for_timeout(800)
    assert tab.faults == []
    assert tab.do("window.fault") is None


def test_a_title_with_html_is_shown_as_text(visit):
    tab = visit()
    tab.open(PLACEMENT)
    tab.page.wait_for_selector(".nextbest-link")
    titles = tab.page.locator(".nextbest-title").all_text_contents()
    assert '<img src=x onerror="window.hacked = true">Mug & <b>more</b>' in titles
    assert tab.page.locator(".nextbest-list img, .nextbest-list b").count() == 0
    assert tab.do("window.hacked") is None
    assert tab.do("document.querySelector('.nextbest-link').pathname").startswith("/p/")


def test_the_list_changes_after_clicks_on_items_of_one_category(visit):
    tab = visit()
    tab.open(PLACEMENT + item("bowl-1") + item("bowl-2"))
    tab.page.wait_for_selector(".nextbest-link")
    before = listed(tab)
    assert sum("mug" in i for i in before) == 5
    tab.page.click('a[data-nextbest-item="bowl-1"]')
    tab.page.click('a[data-nextbest-item="bowl-2"]')
    tab.wait(lambda: listed(tab) != before)
    tab.page.wait_for_timeout(400)
    assert all("bowl" in i for i in listed(tab)[:3])


def test_a_click_in_a_list_carries_its_decision_also_on_the_pages_after_it(visit):
    tab = visit()
    tab.open(PLACEMENT)
    tab.page.wait_for_selector(".nextbest-link")
    decision = tab.do("document.querySelector('[data-nextbest-decision]').dataset.nextbestDecision")
    clicked = listed(tab)[0]
    tab.do("void addEventListener('click', (click) => click.preventDefault())")
    tab.page.click(".nextbest-link >> nth=0")
    tab.kinds(2)
    tab.open(f'<p data-nextbest-item="{clicked}" data-nextbest-view="item">Here</p>', "/shop/b")
    tab.kinds(4)
    told = {event["kind"]: event.get("decision_id") for event in tab.server.events(tab.visitor)}
    assert told["click-details"] == told["item-view"] == decision


def test_calls_made_before_the_file_is_there_are_made_up_for(visit):
    tab = visit(before="window.nextbest = [['track', 'Signed Up', {plan: 'gold'}]]")
    tab.open()
    assert sorted(tab.kinds(2)) == ["page-view", "register-account"]


def test_logging_in_joins_the_visitor_to_the_customer_and_reset_starts_anew(visit):
    tab = visit()
    tab.open(item("bowl-1"))
    visitor = tab.visitor
    tab.do("item.click(); nextbest.identify('browser-ada', {firstName: 'Ada'})")
    tab.wait(lambda: "identify" in tab.server.kinds("browser-ada"))
    assert {"click-details", "identify"} <= set(tab.server.kinds("browser-ada"))
    tab.do("nextbest.reset()")
    assert tab.visitor != visitor
    tab.do("nextbest.track('Signed Up')")
    assert tab.kinds(1) == ["register-account"]


def test_a_shop_on_another_origin_sends_events_and_shows_lists(visit):
    tab = visit()
    page = tab.html(PLACEMENT).encode()

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as shop:
        Thread(target=shop.serve_forever, daemon=True).start()
        tab.go(f"http://127.0.0.1:{shop.server_port}/")
        tab.page.wait_for_selector(".nextbest-link")
        assert tab.kinds(1) == ["page-view"]
        shop.shutdown()


def test_a_page_made_for_a_customer_says_who_it_is_and_shows_the_signature(visit):
    tab = visit()
    sent = []
    tab.page.on("request", lambda r: sent.append(json.loads(r.post_data)) if r.post_data else None)
    tab.open(PLACEMENT, customer_id="c-ann", customer_signature="ab12")
    assert tab.wait(lambda: [m for b in sent if "batch" in b for m in b["batch"]][1:])
    assert tab.page.wait_for_selector(".nextbest-link")
    messages = [m for body in sent if "batch" in body for m in body["batch"]]
    assert [m["type"] for m in messages] == ["identify", "page"]
    assert {m["userId"] for m in messages} == {"c-ann"}
    assert {m["context"]["customer_signature"] for m in messages} == {"ab12"}
    lists = [body for body in sent if "placement" in body]
    assert (lists[-1]["customer_id"], lists[-1]["customer_signature"]) == ("c-ann", "ab12")
    tab.open(path="/shop/b", customer_id="c-ann", customer_signature="ab12")
    assert tab.wait(lambda: len([m for b in sent if "batch" in b for m in b["batch"]]) == 3)
    tab.do("nextbest.reset()")
    assert tab.do("localStorage['nextbest.signature']") is None


def test_a_single_page_shop_hands_the_signature_to_identify(visit):
    tab = visit()
    sent = []
    tab.page.on("request", lambda r: sent.append(json.loads(r.post_data)) if r.post_data else None)
    tab.open()
    tab.do("nextbest.identify('c-bea', {plan: 'gold'}, {signature: 'cd34'})")
    said = tab.wait(
        lambda: [m for b in sent for m in b.get("batch", []) if m["type"] == "identify"]
    )
    assert said[0]["context"]["customer_signature"] == "cd34"


def test_before_consent_the_customer_of_the_page_is_not_named(visit):
    tab = visit()
    tab.open(consent="required", customer_id="c-cleo", customer_signature="ef56")
    tab.page.wait_for_timeout(300)
    assert tab.calls == [] and tab.do("localStorage.length") == 0
    tab.do("nextbest.consent({marketing: true})")
    kinds = {"identify", "accept-tracking", "page-view"}
    assert tab.wait(lambda: {*tab.server.kinds("c-cleo")} == kinds)
