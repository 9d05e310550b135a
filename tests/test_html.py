"""The committed notebooks as a grader reads them: exported to HTML, in a browser that is
1280 px wide and has no network (so formulas stay TeX here)."""

from pathlib import Path

import bs4
import nbconvert
import pytest
from browser import SCREENS, chromium
from conftest import NOTEBOOKS, ROOT

WIDTH = 1280     # px
SLICE = 2500     # px, the height of a screenshot
SMALLEST = 9     # px of a letter

FIGURES = "[...document.images].map(image => image.complete && image.naturalWidth)"
# elements wider than their box, be it the page or one with a scroll bar of its own
TOO_WIDE = """[...document.querySelectorAll('body, body *')]
    .filter(box => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
    .map(box => box.closest('.jp-Cell')?.innerText.slice(0, 80) ?? box.tagName)"""
SMALL_TEXT = """limit => {
    const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const box = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
        const size = parseFloat(getComputedStyle(box).fontSize);
        if (text && box.checkVisibility() && size < limit) found.push([size, text]);
    }
    return found;
}"""
CONTENTS = """() => {
    const list = [...document.querySelector('.jp-Cell').querySelectorAll('strong')]
        .find(text => text.innerText === 'Contents')?.closest('p').nextElementSibling;
    return [...list?.querySelectorAll('a') ?? []].map(link => link.hash.slice(1));
}"""
LEADS_SOMEWHERE = "id => document.getElementById(decodeURIComponent(id)) !== null"


@pytest.fixture(scope="module", params=NOTEBOOKS)
def page(request, pages):
    """Each committed notebook, open in the browser."""
    return pages[request.param]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """{name: page} of all notebooks; nothing but the page itself is loaded."""
    folder = tmp_path_factory.mktemp("html")
    with chromium() as browser:
        opened = {}
        for name in NOTEBOOKS:
            path = (folder / name).with_suffix(".html")
            path.parent.mkdir(exist_ok=True)
            body, _ = nbconvert.HTMLExporter().from_filename(ROOT / name)
            path.write_text(body, encoding="utf-8")
            page = opened[name] = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.route("http*://**", lambda route: route.abort())
            page.goto(path.as_uri())
        yield opened


def test_every_figure_loads(page):
    widths = page.evaluate(FIGURES)
    assert widths and all(widths)


def test_nothing_scrolls_sideways(page):
    """Not the page, and no table or code cell in a box of its own either."""
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert page.evaluate(TOO_WIDE) == []


def test_no_text_is_too_small(page):
    assert page.evaluate(SMALL_TEXT, SMALLEST) == []


def test_the_contents_on_top_lead_to_headings(page):
    links = page.evaluate(CONTENTS)
    assert len(links) >= 4
    assert [link for link in links if not page.evaluate(LEADS_SOMEWHERE, link)] == []
    page.evaluate("id => { location.hash = id }", links[-1])
    assert page.evaluate("scrollY") > 0


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_figures_have_alternative_text_where_jupyter_carries_it(name):
    """nbconvert's template `classic` does; its `lab` and JupyterLab 4.6 leave it out."""
    body, _ = nbconvert.HTMLExporter(template_name="classic").from_filename(ROOT / name)
    images = bs4.BeautifulSoup(body, "html.parser").find_all("img")
    texts = [image.get("alt", "") for image in images]
    assert texts and all(text and "No description" not in text for text in texts)


def test_it_can_be_looked_at(pages):
    """Leave screenshots of the pages, a slice each, in build/screens."""
    for name, page in pages.items():
        page.set_viewport_size({"width": WIDTH, "height": SLICE})
        height = page.evaluate("document.documentElement.scrollHeight")
        for number in range(-(-height // SLICE)):
            page.evaluate("top => window.scrollTo(0, top)", number * SLICE)
            page.screenshot(path=SCREENS / f"{Path(name).stem}_{number:02d}.png")
