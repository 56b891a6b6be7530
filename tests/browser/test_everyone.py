"""The page for everyone: what axe-core finds, what the keyboard reaches, two languages, from 390 to 2560 px."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import WIDE

Page = Any  # playwright's, which need not be installed

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
HOW_TO_GET_IT = "axe-core is not installed (npm ci --prefix tests/browser)"
WIDTHS = (390, 768, 1440, 2560)
# The running of axe over what is shown, or over the open tab alone, one line for each thing found. Gradio's own nodes
# count too. By its colours alone differs a dark page from a light one.
CHECK = """async ([dark, tab]) => {
    const rules = { type: "rule", values: ["color-contrast", "link-in-text-block"] };
    const levels = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] };
    const open = () => [...document.querySelectorAll("[role=tabpanel]")].filter((panel) => panel.checkVisibility());
    const found = await axe.run(tab ? open() : document,
        { runOnly: dark ? rules : levels, resultTypes: ["violations"] });
    return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.html.slice(0, 120)} `
        + (n.any[0]?.message ?? "")));
}"""
BUSY = "busy => document.querySelector('.tf-rebuild')?.classList.toggle('tf-busy', busy)"
OUTSIDE = """width => [...document.querySelectorAll('.tf-widget *')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && !e.closest('.tf-scroll, .tf-hidden') && (box.right > width + 1 || box.left < -1);
}).map((e) => e.outerHTML.slice(0, 90))"""
CLIPPED = """() => [...document.querySelectorAll('.tf-button, .tf-segmented span, .tf-chips span, .tf-label, h3')]
    .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"""
# What a Tab key has to reach: of radio buttons of one name the chosen one, of a roving tabindex its one.
REACHABLE = """() => {
    const radios = (e) => [...document.getElementsByName(e.name)].filter((r) => !r.disabled);
    const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
    return all.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0)
        .filter((e) => e.type !== 'radio' || e.checked || !radios(e).some((r) => r.checked));
}"""
# Where the focus is: its number among these, and whether a ring shows it: its own, or that of the words which stand for
# a hidden input.
FOCUS = """() => {
    const at = document.activeElement;
    const ringed = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    return { at: window.reachable.indexOf(at), body: at === document.body,
        seen: [at, at?.nextElementSibling].some((e) => e && ringed(getComputedStyle(e))),
        html: at?.outerHTML.slice(0, 120) };
}"""


def tabs(page: Page) -> Iterator[str]:
    """Opens every tab, one after the other; gives its name."""
    for i in range(page.evaluate("Twofold.tabs().length")):
        page.evaluate("i => Twofold.tabs()[i].click()", i)
        page.locator(".tf-card:visible").first.wait_for()
        page.wait_for_timeout(150)  # what a tab asks for as it opens is sent a moment later
        page.wait_for_function("Twofold.stats.inFlight === 0 && !document.querySelector('.tf-busy')")
        yield page.evaluate("i => Twofold.tabs()[i].textContent.trim()", i)


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        pytest.skip(HOW_TO_GET_IT)
    return AXE.read_text(encoding="utf-8")


def test_axe_finds_nothing_on_any_tab(visit, axe):
    page = visit("?b=digits&lang=en", reduced_motion="reduce")
    page.evaluate(axe)
    found: dict[str, list[tuple[str, int, str]]] = {}
    around = set()
    for name in tabs(page):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for dark in (False, True):
                page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
                page.evaluate("() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => 0)))")
                page.evaluate(BUSY, True)  # as while it waits for answers
                # What is around the tabs is the same with each: it is looked at as it is with the first, and once more.
                tab_alone = (width, dark) in around and (width, dark) != (1440, False)
                around.add((width, dark))
                for line in page.evaluate(CHECK, [dark, tab_alone]):
                    found.setdefault(line, []).append((name, width, "dark" if dark else "light"))
                page.evaluate(BUSY, False)
    assert not found, "\n".join(f"{line} {where}" for line, where in found.items())


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_tab_fits_every_width_and_the_keyboard_reaches_all_of_it(visit, language: str):
    page = visit(f"?b=digits&lang={language}", reduced_motion="reduce")
    page.locator(".tf-status summary").click()
    assert page.evaluate("document.documentElement.lang") == language
    for name in tabs(page):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, name
            assert (page.evaluate(OUTSIDE, width), page.evaluate(CLIPPED)) == ([], []), (name, width)
        page.set_viewport_size(WIDE)
        assert page.evaluate("document.getAnimations().length") == 0, name
        missed, unseen = travel(page)
        assert (missed, unseen) == ([], []), name


def travel(page: Page) -> tuple[list[str], list[str]]:
    """Goes through the page with the Tab key from its beginning: what was not reached, and where no focus was seen."""
    count = page.evaluate(f"() => (window.reachable = ({REACHABLE})()).length")
    page.evaluate("() => { document.activeElement?.blur(); document.body.tabIndex = -1; document.body.focus(); }")
    reached, unseen = set(), []
    for _ in range(count + 10):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["body"] or focus["at"] in reached:
            break
        reached.add(focus["at"])
        if not focus["seen"]:
            unseen.append(focus["html"])
    left = "seen => window.reachable.filter((e, i) => e.isConnected && !seen.includes(i))"
    missed = page.evaluate(f"{left}.map((e) => e.outerHTML.slice(0, 120))", sorted(reached))
    return missed, unseen


def test_the_language_is_changed_and_kept_with_picture_and_tab(visit):
    page = visit("?b=plain&x=7&y=0")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.evaluate("Twofold.tabs().at(-1).click()")
    page.get_by_role("button", name="中文").click()
    page.wait_for_function(
        "document.documentElement.lang === 'zh-CN' && Twofold.tabs().at(-1)?.ariaSelected === 'true'"
    )
    assert page.evaluate("[Twofold.state.b, Twofold.state.x]") == ["plain", 7]
    assert page.evaluate("Twofold.tabs().map((tab) => tab.textContent.trim())")[0] == "玩一玩"
    page.get_by_role("heading", name="须知").wait_for()
    page.goto(page.url.split("?")[0])  # no language in the address: the one chosen before
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    assert page.get_by_role("button", name="English").is_visible()
    assert (
        page.evaluate("Twofold.translate('The file is too large: at most 5 MB are accepted.')")
        == "文件太大：最多接受 5 MB。"
    )
    assert page.evaluate("Twofold.translate('Fréchet distance of GAN samples')") == "GAN 样本的 Fréchet 距离"


def test_a_chinese_browser_is_greeted_in_chinese(visit):
    page = visit("", locale="zh-TW")
    page.get_by_role("tab", name="关于").wait_for()
    page.get_by_role("button", name="English").click()
    page.get_by_role("tab", name="About").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "Settings" in page.locator("footer").inner_text()
