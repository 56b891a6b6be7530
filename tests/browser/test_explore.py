"""Explore in a real Chromium: the map decodes where the pointer is, sliders stack, the tour goes on."""

import re

from tests.browser.test_page import pixels, settle, still, tab, wait_for_change


def test_the_map_the_mixer_the_sliders_and_the_tour(visit):
    page = visit("?b=digits&c=2&m=vae&x=5&y=0")
    tab(page, "Explore")
    chart = page.locator(".tf-latent-map")
    page.get_by_text("Each dot is a sample from the fitted prior").wait_for()
    settle(page)
    here = pixels(page, ".tf-map-picture")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
    there = wait_for_change(page, ".tf-map-picture", here)
    place = page.get_by_text("Point (").first.inner_text()
    chart.focus()
    page.keyboard.press("ArrowRight")
    wait_for_change(page, ".tf-map-picture", there)
    page.wait_for_function("before => !document.body.innerText.includes(before)", arg=place)

    classes = page.locator(".tf-map-legend input").all()
    for one in classes[:-1]:
        one.uncheck()
    page.get_by_text("nearest dot: 9").wait_for()  # those that are not on the map do not count
    for one in classes[:-1]:
        one.check()

    moved = still(page, ".tf-moves-picture")
    page.get_by_text("Along the code").wait_for()
    first = page.locator(".tf-moves-list h4:has-text('Along') ~ .tf-slider input:not(:disabled)").first
    first.fill("2")
    one = wait_for_change(page, ".tf-moves-picture", moved)
    page.locator(".tf-moves-list .tf-slider input:not(:disabled)").first.fill("1")
    wait_for_change(page, ".tf-moves-picture", one)
    page.get_by_role("button", name="Back to zero").click()
    settle(page)
    assert pixels(page, ".tf-moves-picture") == moved

    offered = "Twofold.parameters.all().map(({ name }) => name).filter((name) => /towards|across/.test(name))"
    assert {name[:16] for name in page.evaluate(offered)} == {"explore.towards."}
    page.get_by_role("radio", name="By a linear SVM").check()
    page.get_by_text("It separates each class from all others and is right on").wait_for()
    assert {name[:15] for name in page.evaluate(offered)} == {"explore.across."}  # those of the sliders that are there
    seven = page.get_by_role("slider", name="7", exact=True)
    seven.fill("4")
    across = wait_for_change(page, ".tf-moves-picture", moved)
    first.fill("2")  # they stack
    wait_for_change(page, ".tf-moves-picture", across)
    page.get_by_role("radio", name="To its mean").check()
    seven.fill("1")
    towards = wait_for_change(page, ".tf-moves-picture", across)
    with page.expect_response(re.compile("projection=lda")):
        page.get_by_role("radio", name="Classes apart").check()
    page.wait_for_timeout(300)
    settle(page)
    assert (seven.input_value(), first.input_value()) == ("1", "2")  # another map moves no slider
    assert pixels(page, ".tf-moves-picture") == towards
    page.get_by_role("button", name="Back to zero").click()
    settle(page)
    assert pixels(page, ".tf-moves-picture") == moved and seven.input_value() == "0"

    mixed = ".tf-mixer .tf-strip-row figure:nth-child({}) canvas"
    for box in page.locator(".tf-stages input").all():
        box.check()
    page.wait_for_timeout(200)
    settle(page)
    assert pixels(page, mixed.format(3)) == pixels(page, mixed.format(2)) != pixels(page, mixed.format(1))

    traded = page.locator(".tf-precision-recall")
    assert not traded.is_visible()  # of the GAN alone
    page.get_by_role("radio", name="GAN").check()
    traded.wait_for()
    assert [row.inner_text().split("\t") for row in traded.locator("tr").all()] == [
        ["Truncation", "Precision", "Recall"], ["0.8", "88 %", "25 %"], ["1", "75 %", "50 %"],
    ]  # fmt: skip

    page.get_by_role("button", name="Next").last.click()
    page.get_by_text("Step 2 of 5").wait_for()
    assert page.locator(".tf-tour-step.tf-current h4").inner_text() == "2. Near means similar"


def test_a_link_opens_the_tour_and_a_bundle_without_classes_has_a_plain_map(visit):
    page = visit("?b=plain&m=gan&tour=1")
    page.get_by_text("Step 1 of 5").wait_for()
    page.get_by_text("Each dot is a sample from the fitted prior").wait_for()
    assert not page.get_by_role("radio", name="Classes apart").is_visible()
    assert not page.locator(".tf-map-legend").is_visible()
    assert page.locator(".tf-stages").get_by_text("32 px").count() == 1
    bundle = "{ ...Twofold.bundle(), width: 48, height: 48, version: '1' }"
    page.evaluate(f"Twofold.replaceBundle({bundle})")  # as many stages, of other sizes
    page.locator(".tf-stages").get_by_text("48 px").wait_for()


def test_the_tour_alone_is_printed_and_a_mix_of_classes_draws_everywhere(visit):
    page = visit("?b=digits&m=gan&c=2:0.7,5:0.3&tab=explore")
    tour = page.locator(".tf-tour-step")
    tour.first.wait_for()
    page.wait_for_timeout(300)
    settle(page)  # `visit` finds what was refused
    page.emulate_media(media="print")
    assert tour.nth(1).is_visible() and page.locator(".tf-tour-step canvas").first.is_visible()
    shown = [".tf-bar", ".tab-wrapper", ".tf-mixer", ".tf-moves", ".tf-own", ".tf-tour .tf-buttons"]
    assert [one for one in shown if page.locator(one).first.is_visible()] == []


def test_a_map_that_fails_says_what_failed(visit):
    page = visit("?b=digits&m=vae", refused="/explore/")
    busy = "Too many people are drawing right now; try again in a second."
    page.route("**/explore/digits?*", lambda route: route.fulfill(status=503, content_type="text/plain", body=busy))
    tab(page, "Explore")
    page.get_by_text(f"The map could not be drawn. {busy}").wait_for()
    page.unroute("**/explore/digits?*")
    page.route("**/explore/digits?*", lambda route: route.abort())
    page.evaluate("Twofold.set({ t: 0.9 })")
    page.get_by_text("The map could not be drawn. The server does not answer.").wait_for()
    page.unroute("**/explore/digits?*")
    page.evaluate("Twofold.set({ t: 0.8 })")
    page.get_by_text("Each dot is a sample from the fitted prior").wait_for()
    assert page.get_by_text("The map could not be drawn").count() == 0
    page.get_by_text("Point (").first.wait_for()
    page.route("**/explore/learner?*", lambda route: route.abort())
    page.evaluate("Twofold.set({ b: 'learner' })")
    page.get_by_text("The map could not be drawn.").wait_for()
    page.locator(".tf-latent-map").hover()
    page.wait_for_timeout(300)
    assert page.get_by_text("Point (").count() == 0  # nothing is left of the other bundle's map
    inked = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
    assert not page.locator(".tf-latent-map").evaluate(inked)


def test_without_a_map_the_small_cards_stand_in_one_row(visit):
    page = visit("?b=digits")
    page.evaluate("Twofold.bundle('digits').models = ['gan']")
    tab(page, "Explore")
    page.get_by_role("region", name="Latent map").wait_for(state="hidden")
    names = ("From typical to odd", "Style mixing", "A − B + C")
    boxes = [page.get_by_role("region", name=name).bounding_box() for name in names]
    assert len({box["y"] for box in boxes}) == 1 and boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
