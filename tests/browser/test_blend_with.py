"""Explore says which bundles can be blended with the one on screen, with the command, and why the others cannot."""

from tests.browser.test_page import settle, tab

FORMS = """Object.assign(Twofold.bundle("digits"), { generator: { body: "conv", width: 16, w_dim: 8 } });
Object.assign(Twofold.bundle("plain"), { generator: { body: "conv", width: 16, w_dim: 8 } });
Object.assign(Twofold.bundle("learner"), { generator: { body: "skip", width: 16, w_dim: 8 } });"""


def test_bundles_that_fit_are_offered_and_the_others_are_explained(visit):
    page = visit("?b=digits&m=gan")
    assert page.evaluate("Twofold.bundle('digits').generator") is None  # it does not say how it is built: no offer
    tab(page, "Explore")
    settle(page)
    assert page.locator(".tf-blend").is_hidden()
    page.evaluate(FORMS)
    page.evaluate("Twofold.set({ x: 3 })")
    box = page.locator(".tf-blend")
    box.wait_for()
    choice = box.get_by_role("combobox", name="Blend with")
    assert choice.locator("option").all_inner_texts() == [page.evaluate("Twofold.bundle('plain').title")]
    command = box.locator("code").inner_text()
    assert command == "python -m export blend artifacts/digits artifacts/plain artifacts/digits-plain --stages 3"
    assert "The last stage stays this bundle's own" in box.inner_text()  # grey here, colour there
    assert "(built otherwise)" in box.inner_text()
    page.evaluate("Twofold.bundle('plain').stages = 5; Twofold.set({ x: 4 })")
    page.wait_for_function("document.querySelector('.tf-blend').innerText.includes('5 stages instead of 4')")
    assert box.locator("code").is_hidden()
