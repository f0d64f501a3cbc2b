"""The site map for search engines: every page, also those that this build did not write again."""

from pathlib import Path
from xml.sax.saxutils import escape

from sphinx.application import Sphinx

from .repository import site

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def write_site_map(app: Sphinx, failure: Exception | None) -> None:
    if failure or app.builder.name != "html":
        return
    pages = [site() + app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
    places = "".join(f"<url><loc>{escape(page)}</loc></url>\n" for page in pages)
    text = f'<urlset xmlns="{NAMESPACE}">\n{places}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(text, encoding="utf-8")


def setup_site_map(app: Sphinx) -> None:
    app.connect("build-finished", write_site_map)
