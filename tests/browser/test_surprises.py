"""What the page keeps through surprises: late answers, messages of others, lost focus, bundles made anew."""

from typing import Any

from tests.browser.test_page import settle, still, wait_for_change

Page = Any  # playwright's, which need not be installed


def test_answers_that_come_late_messages_the_focus_and_bundles_made_anew(visit):
    page = visit("?b=digits&x=5&y=0")
    a_late_answer_throws_nobody_back(page)
    pictures_leave_the_words_of_others(page)
    copying_keeps_the_focus_and_says_so(page)
    one_tile_of_a_sheet_is_a_tab_stop(page)
    a_camera_that_starts_unseen_is_stopped(page)
    a_bundle_made_anew_shows_its_own_classes(page)


def a_late_answer_throws_nobody_back(page: Page) -> None:
    come = """goOn => (async () => {
        const T = window.Twofold, { getJson } = T;
        const [plain] = T.facts.bundles.splice(T.facts.bundles.findIndex(({ name }) => name === "plain"), 1);
        let answer;
        T.getJson = () => new Promise((resolve) => (answer = resolve));
        const wanted = { ...T.state, b: "plain" };
        T.fetchLater("uploads", wanted); // which is never answered
        const made = T.fetchLater("made", wanted);
        T.getJson = getJson;
        if (goOn) T.set({ x: T.state.x + 1 });
        answer([plain]);
        await made;
        const found = [T.state.b, Boolean(T.bundle("plain"))];
        T.set({ b: "digits", x: 5, y: 0 });
        return found;
    })()"""
    assert page.evaluate(come, True) == ["digits", True]
    assert page.evaluate(come, False) == ["plain", True]


def pictures_leave_the_words_of_others(page: Page) -> None:
    alert = page.locator(".tf-bar .tf-error")
    page.evaluate("Twofold.showMessage('Words of somebody else.')")
    wait_for_change(page, ".tf-travel", move(page, 1))
    assert alert.inner_text() == "Words of somebody else."
    page.evaluate("Twofold.messageAt -= 20_000")  # by then it was read
    wait_for_change(page, ".tf-travel", move(page, 1))
    assert alert.is_hidden()
    late = """async () => {
        const T = window.Twofold, source = T.pictureSource, ends = [];
        T.showMessage("");
        T.pictureSource = () => new Promise((resolve, reject) => ends.push({ resolve, reject }));
        const show = T.newestPicture(() => {});
        const told = [];
        const step = async (action) => {
            action();
            await new Promise((done) => setTimeout(done));
            told.push(T.message);
        };
        const answer = { picture: null, modelMs: null, roundMs: 1000 };
        await step(() => show("", {}));
        await step(() => ends[0].reject(new Error("No picture.")));
        await step(() => (show("", {}), show("", {})));
        await step(() => ends[2].resolve(answer));
        await step(() => ends[1].reject(new Error("Too late to matter.")));
        T.pictureSource = source;
        return told;
    }"""
    assert page.evaluate(late) == ["", "No picture.", "No picture.", "", ""]


def move(page: Page, far: float) -> str:
    """The picture before the page goes on by so many seeds."""
    before = still(page)
    page.evaluate("far => Twofold.set({ x: Twofold.state.x + far })", far)
    return before


def copying_keeps_the_focus_and_says_so(page: Page) -> None:
    copied = """async () => {
        Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true });
        const button = window.Twofold.copyButton("Copy", () => "text", "Copy the text");
        document.body.append(button);
        button.focus();
        button.click();
        await new Promise((done) => setTimeout(done, 50));
        const found = [document.activeElement === button, button.textContent === button.getAttribute("aria-label")];
        button.remove();
        return found;
    }"""
    assert page.evaluate(copied) == [True, True]


def one_tile_of_a_sheet_is_a_tab_stop(page: Page) -> None:
    stops = "() => [...document.querySelectorAll('.tf-sheet button')].flatMap((b, i) => (b.tabIndex ? [] : [i]))"
    page.get_by_role("button", name="Seed 13 · class 3").click()
    assert page.evaluate(stops) == [13]
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(stops) == [12]


def a_camera_that_starts_unseen_is_stopped(page: Page) -> None:
    opened = """async () => {
        const T = window.Twofold, states = [];
        const stream = T.el("canvas").captureStream();
        navigator.mediaDevices.getUserMedia = async () => stream;
        const video = T.webcam({ width: 8, height: 8 }, { onState: (state) => states.push(state), onError: () => {} });
        const box = T.el("div", { hidden: true }, video); // as in a tab that was closed meanwhile
        document.body.append(box);
        await video.open();
        box.remove();
        return [states, stream.getTracks()[0].readyState];
    }"""
    assert page.evaluate(opened) == [["opening", "on", "off"], "ended"]


def a_bundle_made_anew_shows_its_own_classes(page: Page) -> None:
    anew = "classes => Twofold.replaceBundle({ ...Twofold.bundle(), classes, version: Twofold.bundle().version + '1' })"
    page.evaluate(anew, [f"kind {i}" for i in range(10)])
    page.locator(".tf-chips label", has_text="kind 7").wait_for()
    page.get_by_role("button", name="Seed 13 · class kind 3").wait_for()
    page.evaluate(anew, [f"kind {i}" for i in range(20)])  # more than there is room for as chips
    classes = page.locator(".tf-chips select")
    page.evaluate("Twofold.set({ mix: '3:1,5:0.5' })")
    assert classes.evaluate("select => select.selectedOptions[0].textContent") == "a mix"
    classes.select_option("kind 3")  # the largest of the mix, alone
    assert page.evaluate("[Twofold.state.c, Twofold.state.mix]") == [3, ""]
    settle(page)
