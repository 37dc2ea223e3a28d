"""The documentation site: `make docs` builds it into `build/docs`, without a network."""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from genrecls import __version__
from genrecls.errors import ExportError
from genrecls.export.web.litertjs import find_litertjs
from genrecls.export.web.page import read_web_model, write_page
from genrecls.shipped.models import DEFAULT, shipped_file
from scripts.reference import write_reference
from scripts.reference.project import within_site

# Pages of what the program itself knows; git does not keep them.
write_reference(ROOT / "docs" / "reference")

project = "genrecls"
author = "genrecls contributors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"genrecls {version}"
# The examples are commands: the default colours of Python would be wrong.
highlight_language = "console"
html_show_sphinx = False
html_static_path = ["site"]
html_css_files = ["site.css"]

# The site has the page of a shipped model where npm has left LiteRT.js: npm pack @litertjs/core
try:
    litertjs = find_litertjs(None)
    tags.add("play")  # noqa: F821 - Sphinx gives it
except ExportError:
    litertjs = None


def setup(app: Any) -> None:
    """Let links to files above this folder lead to their pages, and add the page that plays."""

    def lead_to_pages(_app: Any, _page: str, content: list[str]) -> None:
        content[0] = within_site(content[0])

    def add_page(_app: Any, error: Exception | None) -> None:
        file = shipped_file(DEFAULT)
        if error is None and litertjs is not None and file is not None:
            write_page(Path(app.outdir) / "play", read_web_model(file), litertjs)

    app.connect("source-read", lead_to_pages)
    app.connect("build-finished", add_page)
