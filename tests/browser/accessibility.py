"""What axe finds on a page: the rules of accessibility that it breaks.

Most of a chapter's elements are the words of its code, and axe takes long to compare the colours of
each with what lies behind it. Of the words in one block that look alike it judges the first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
OPTIONS = {
    "preload": False,  # axe would fetch style sheets of its own accord
    "resultTypes": ["violations"],  # of what is right one example is enough
    "selectors": False,
}
MARK_REPEATED_WORDS = """() => {
    const style = (element) => {
        const { color, backgroundColor, fontSize, fontWeight, opacity } = getComputedStyle(element);
        return [color, backgroundColor, fontSize, fontWeight, opacity].join();
    };
    const seen = new Map();
    for (const word of document.querySelectorAll("pre span:not(:has(*))")) {
        const block = word.closest(".highlight, .CodeMirror") ?? word.closest("pre");
        let look = "";
        for (let each = word; each !== block; each = each.parentElement) look += style(each) + "/";
        const looks = seen.get(block) ?? new Set();
        word.toggleAttribute("data-repeated", looks.has(look));
        seen.set(block, looks.add(look));
    }
}"""
RUN = """([where, options]) => {
    axe.configure({rules: [{id: "color-contrast", selector: ":not([data-repeated])"}]});
    return axe.run(where ?? document, options);
}"""

Where = str | Mapping[str, Any]


class Found:
    """What axe found by some rules or sets of rules."""

    def __init__(self, page: Page, rules: Sequence[str] = WCAG, where: Where | None = None) -> None:
        page.evaluate(MARK_REPEATED_WORDS)
        page.evaluate(Axe().axe_script)
        response = page.evaluate(RUN, [where, {**OPTIONS, "runOnly": list(rules)}])
        self.passed = {rule["id"] for rule in response["passes"]}
        self.broken = [
            (rule["id"], node["html"]) for rule in response["violations"] for node in rule["nodes"]
        ]
