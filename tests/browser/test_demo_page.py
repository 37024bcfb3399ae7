"""The demo shop in a real browser: what one does there shows in the panel and in the lists."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(visit):
    tab = visit()
    tab.page.goto(f"{tab.server.url}/demo")
    tab.page.wait_for_selector(".picks .card")
    tab.page.wait_for_selector(".fact")
    return tab


def test_the_panel_shows_a_new_event_and_the_list_changes(shop):
    page = shop.page
    before = page.locator(".picks .card .title").all_text_contents()
    page.click('.chip:text("bowls")')
    page.click(".row:last-child .card >> nth=1")
    page.wait_for_selector('.events li:has-text("Item view"):has-text("Bowl")')
    page.click(".brand")
    page.wait_for_selector(".picks .card.is-new")
    assert page.locator(".picks .card .title").all_text_contents() != before
    assert page.locator('.fact:has-text("Favourite category")').inner_text().endswith("bowls")
    assert shop.faults == []


def test_a_search_a_cart_and_an_order_reach_the_profile(shop):
    page = shop.page
    page.fill(".search input", "bowl")
    page.press(".search input", "Enter")
    page.click(".row .card >> nth=0")
    page.click("[data-nextbest-add-to-cart]")
    page.wait_for_selector('.fact:has-text("Put in the cart")')
    title = page.locator(".product h1").inner_text()
    page.click('a[href="/demo/cart"]')
    page.wait_for_selector(".picks .card")
    assert page.locator(".search input").input_value() == ""  # the search is over
    assert title not in page.locator(".picks .card .title").all_text_contents()
    page.click(".total .primary")
    page.wait_for_selector('.fact:has-text("Orders")')
    assert page.locator('.fact:has-text("Loyalty points")').inner_text().endswith("1")
    page.wait_for_timeout(300)
    kinds = shop.server.kinds(shop.visitor)
    assert [kinds.count(kind) for kind in ("search", "add-to-cart", "purchase")] == [1, 1, 1]


def test_logging_in_joins_two_devices_in_one_invented_customer(shop):
    page = shop.page
    for _ in range(2):
        page.click("#account")
        page.click(".person >> nth=0")
        page.wait_for_selector('.who strong:has-text("Ada Lindqvist")')
        page.wait_for_function("!document.querySelector('dialog').open")
        if _ == 0:
            page.click("#account")
            page.wait_for_selector('.who strong:has-text("Anonymous visitor")')
            page.click('.chip:text("mugs")')
    page.wait_for_selector('.who:has-text("2 devices, one profile")')
    assert shop.faults == []


def test_titles_on_the_demo_page_are_text(shop):
    assert shop.page.locator(".card img, .card b").count() == 0
    assert shop.do("window.hacked") is None


def test_the_page_fits_a_phone(visit):
    tab = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    tab.page.goto(f"{tab.server.url}/demo")
    tab.page.wait_for_selector(".picks .card")
    assert tab.do("document.documentElement.scrollWidth") <= 390
    tab.page.click("#handle")
    assert tab.page.locator(".knowledge").is_visible()
