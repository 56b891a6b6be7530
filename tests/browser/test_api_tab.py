"""The API tab in a real browser: code that follows the state, copies, files with checksums, endpoints."""

import hashlib
from pathlib import Path
from typing import Any

from tests.browser.conftest import NARROW
from tests.browser.test_page import tab

Page = Any  # playwright's, which need not be installed


def test_the_code_can_be_copied_and_every_file_be_had(visit):
    page = visit("?b=digits&c=3&x=5&y=0")
    the_code_follows_the_picture_and_can_be_copied(page)
    every_file_can_be_had_and_checked(page)


def the_code_follows_the_picture_and_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab(page, "API")
    code = page.locator(".tf-api .tf-code")
    page.get_by_text("digits (random) · GAN · Seed 5 · class 3").wait_for()
    assert "noise(5)" in code.inner_text() and "[[3]]" in code.inner_text() and "w_mean" not in code.inner_text()
    page.get_by_role("radio", name="VAE").check()
    page.get_by_label("Temperature").fill("0.6")
    assert "code(5)" in code.inner_text() and "0.6 * " in code.inner_text()
    words = {"JavaScript": 'm: "vae", c: 3, t: 0.6', "gradio_client": "seeds=[5]", "curl": "m=vae&c=3&t=0.6"}
    for name, word in words.items():
        page.get_by_role("radio", name=name).check()
        assert word in code.inner_text() and page.evaluate("Twofold.url('')") in code.inner_text()
    page.get_by_role("button", name="Copy code").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").strip() == code.inner_text().strip()


def every_file_can_be_had_and_checked(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="decoder.onnx").click()
    data = Path(download.value.path()).read_bytes()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="decoder.onnx"))
    assert row.locator("[title]").get_attribute("title") == hashlib.sha256(data).hexdigest()
    page.get_by_label("Pictures (bundle)").select_option("plain")
    assert page.locator(".tf-api a[href$='/live/plain']").count() == 1
    assert "/bundles/plain/" in page.get_by_role("link", name="decoder.onnx").get_attribute("href")


def test_endpoints_and_addresses_are_told_in_both_languages(visit):
    page = visit("?b=digits&lang=zh-CN", viewport=NARROW)
    tab(page, "API")
    for name in ("sample", "interpolate", "reconstruct", "repair", "invert", "classify", "report"):
        page.locator(".tf-endpoint summary", has_text=f"/{name}").wait_for()
    page.locator(".tf-endpoint summary").first.click()
    page.locator(".tf-signature", has_text="truncation: float = 1.0").first.wait_for()
    page.get_by_role("heading", name="用代码重现这张图片").wait_for()
    for path in ("healthz", "metrics", "web/twofold.js", "gradio_api/openapi.json"):
        address = page.locator(f".tf-api a[href$='{path}']").get_attribute("href")
        assert page.request.get(address).status in (200, 503)
