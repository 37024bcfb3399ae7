"""The API page works with the network closed: in a real browser, all it loads comes from here."""

import json
import urllib.request


def opened(browser, server):
    """Open the page in a browser that reaches nothing but the server; note what it asks for."""
    page, asked, faults = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.route(
        lambda url: not url.startswith(f"{server.url}/"), lambda route: route.abort("failed")
    )
    page.goto(f"{server.url}/docs")
    page.wait_for_selector("#calls details")
    return page, asked, faults


def test_every_call_is_there_and_nothing_is_asked_of_anybody_else(browser, server):
    page, asked, faults = opened(browser, server)
    with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    told = page.eval_on_selector_all("summary code", "all => all.map((one) => one.textContent)")
    assert sorted(told) == sorted(path for path, calls in paths.items() for _ in calls)
    for block in page.query_selector_all("#calls details"):
        block.eval_on_selector("summary", "one => one.click()")
    page.wait_for_selector("#calls details:not(:has(form))", state="detached")
    assert faults == []
    assert len(asked) >= 4 and all(url.startswith(f"{server.url}/") for url in asked)
    page.close()


def test_a_call_can_be_tried_and_its_fields_are_told(browser, server):
    page, _, faults = opened(browser, server)
    page.fill("#key", server.keys.write_key)
    page.fill("#find", "/v1/recommendations")
    page.click("#calls details:not([hidden]) summary")
    block = page.locator("#calls details[open]")
    assert "the shop's own id of a known person" in block.inner_text().lower()
    block.locator("textarea").fill('{"limit": 2}')
    block.locator("button").click()
    block.locator("pre", has_text="decision_id").wait_for()
    status, _, body = block.locator("pre").inner_text().partition("\n")
    assert status == "200" and len(json.loads(body)["items"]) == 2
    assert faults == []
    page.close()
