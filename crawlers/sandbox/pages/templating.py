"""The templates of the sandbox's pages, compiled once."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from jinja2.ext import Extension

from crawlers.sandbox.pages.addresses import FILLER_PHOTO, FILLER_URL, HOME
from crawlers.sandbox.pages.sponsored import sponsored


class _OneLine(Extension):
    """Takes line breaks and indentation out of a template: eBay's pages have none for a parser to lean on."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        return re.sub(r"\n\s*", "", source)


@cache
def template(name: str) -> Template:
    """The template `templates/<name>.html.j2`; it escapes all that is not marked as safe."""
    return _environment().get_template(f"{name}.html.j2")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crawlers.sandbox.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[_OneLine],
    )
    environment.globals |= {
        "home": HOME,
        "filler_url": FILLER_URL,
        "filler_photo": FILLER_PHOTO,
        "filler_marks": (sponsored(0), sponsored(1)),
    }
    return environment
