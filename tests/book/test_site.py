"""The built pages: links lead somewhere, pictures have words, nothing comes from elsewhere."""

import re
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from tinytorch.course.catalog import load_course

HOST = "http://book.example/"
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
NAMED_ONLY = {"canonical", "search", "index", "next", "prev", "author", "license"}


def loads(page):
    """The address of everything that the page's HTML makes a browser load."""
    for element, key in LOADED.items():
        for found in page.html.select(f"{element}[{key}]"):
            if not NAMED_ONLY & set(found.get("rel", [])):
                yield found[key]
    for found in page.html.select("[srcset]"):
        yield from (part.split()[0] for part in found["srcset"].split(","))


def internal(site, page, address):
    """The address as a path in the site and a fragment; None where it leads elsewhere."""
    base = urljoin(HOST, page.name)
    if page.name == "404.html" and address.startswith("/"):
        address = address.removeprefix(root_of_missing_page(page))
        base = HOST
    url = urlsplit(urljoin(base, address))
    if f"{url.scheme}://{url.netloc}/" != HOST:
        return None
    return unquote(url.path).lstrip("/") or "index.html", unquote(url.fragment)


def root_of_missing_page(page):
    """The path that the page for missing addresses puts before every link of its own."""
    sheet = page.html.select_one("link[rel=stylesheet]")["href"]
    return sheet.partition("_static")[0]


def broken(site, page):
    """Each address in the page that leads to no file or no anchor of the site."""
    addresses = [link["href"] for link in page.html.select("a[href]")]
    for address in [*addresses, *loads(page)]:
        place = internal(site, page, address)
        if place is None or address.startswith("data:"):
            continue
        path, fragment = place
        target = site.pages.get(path)
        has_anchor = not fragment or target is None or fragment in target.anchors
        if not (site.folder / path).is_file() or not has_anchor:
            yield address


def test_every_link_inside_of_the_book_leads_somewhere(site):
    found = {name: sorted(set(broken(site, page))) for name, page in site.pages.items()}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


def test_no_page_loads_anything_from_another_host(site):
    foreign = {
        address
        for page in site.pages.values()
        for address in loads(page)
        if urlsplit(address).netloc
    }
    assert foreign == set()


def test_no_style_sheet_loads_anything_from_another_host(site):
    sheets = {
        path
        for page in site.pages.values()
        for link in page.html.select("link[rel=stylesheet]")
        if (place := internal(site, page, link["href"]))
        for path in [place[0]]
    }
    assert sheets
    address = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")
    assert [path for path in sheets if address.search((site.folder / path).read_text())] == []


def test_every_picture_says_in_words_what_it_shows(site):
    silent = [
        (name, str(picture)[:120])
        for name, page in site.pages.items()
        for picture in page.html.select("img, svg")
        if not says(picture)
    ]
    assert silent == []


def says(picture):
    """Whether a screen reader learns what the picture shows, or that it shows nothing."""
    if picture.get("aria-hidden") == "true" or picture.get("role") == "presentation":
        return True
    link = picture.find_parent("a")
    if picture.get("alt") == "" and link and link.get_text().strip():
        return True
    if picture.name == "img":
        return bool(picture.get("alt", "").strip())
    return picture.get("role") == "img" and bool(picture.get("aria-label", "").strip())


def test_no_directive_is_left_as_text(site):
    raw = re.compile(r"(```|:::)\{|\{(ref|doc|term|py:\w+|cite\w*|numref|math)\}`")
    left = {
        name: raw.findall(page.article.get_text())
        for name, page in site.pages.items()
        if page.html.select_one("article.bd-article")
    }
    assert {name: found for name, found in left.items() if found} == {}
    marks = ".system-message, .problematic, [data-mime-type='application/vnd.jupyter.stderr']"
    assert [name for name, page in site.pages.items() if page.html.select(marks)] == []


def test_the_landing_page_maps_every_module_and_links_the_published_ones(site):
    page = site.pages["index.html"]
    entries = page.article.select(".tt-map-module")
    for module, entry in zip(load_course().modules, entries, strict=True):
        assert f"{module.insight}." in entry.get_text()
        assert bool(entry.select("a[href]")) == module.published
        assert ("planned" in entry.get_text()) != module.published


def test_the_landing_page_shows_a_result_before_it_explains(site):
    cell, heading = site.pages["index.html"].article.select(".cell, .tt-map")[:2]
    assert cell.select(".cell_output svg")
    assert "tt-map" not in heading["class"]


def test_the_site_map_names_every_page_that_is_read(site):
    names = ElementTree.parse(site.folder / "sitemap.xml").findall(".//{*}loc")
    listed = {re.sub(r"^https://[^/]+/[^/]+/", "", name.text or "") for name in names}
    written = {name for name, page in site.pages.items() if page.html.select_one("h1")}
    made = {"404.html", "genindex.html", "py-modindex.html", "search.html"}
    assert listed == written - made


def test_an_address_that_is_not_there_gets_a_page_of_the_book(site):
    assert "404.html" in site.pages
    assert site.pages["404.html"].html.select("a[href$='index.html']")


@pytest.mark.parametrize("module", load_course().published, ids=lambda module: module.stem)
def test_a_shared_chapter_shows_its_title_and_a_description(site, module):
    head = site.chapter(module).html
    assert head.select_one("meta[property='og:title']")["content"] == module.title
    assert head.select_one("meta[property='og:description']")["content"]
    image = head.select_one("meta[property='og:image']")["content"]
    assert (site.folder / "_static" / image.partition("_static/")[2]).is_file()
