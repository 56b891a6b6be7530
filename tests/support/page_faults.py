"""JavaScript that lists what is wrong on a static page: cut off, without a name, or too pale to read."""

OUTSIDE = """width => [...document.querySelectorAll('main *')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && !e.closest('.tf-hidden') && (box.right > width + 1 || box.left < -1);
}).map((e) => e.outerHTML.slice(0, 90))"""
NAMELESS = """() => [...document.querySelectorAll('main :is(button, input, select, canvas[role])')]
    .filter((e) => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent.trim()
        || e.closest('label')?.textContent.trim())).map((e) => e.outerHTML)"""
# Text whose contrast with what lies behind it is below 4.5 : 1 (WCAG 2, AA); what is disabled is exempt.
PALE = """() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const ground = (e) => {
        const colour = numbers(getComputedStyle(e).backgroundColor);
        return colour.length === 3 || colour[3] > 0.99 || !e.parentElement ? colour : ground(e.parentElement);
    };
    const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    return [...document.querySelectorAll('main *')].filter((e) => e.offsetParent && own(e) && !e.closest(':disabled'))
        .filter((e) => contrast(light(numbers(getComputedStyle(e).color)), light(ground(e))) < 4.5)
        .map((e) => e.outerHTML.slice(0, 90));
}"""
