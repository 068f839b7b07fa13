"""Data Docs that can be trusted and read anywhere: GX's pages, which fetch nothing, run nothing and show text as text.

Great Expectations writes values into its pages as they are, and its pages load styles and scripts from seven hosts.
Here what sellers wrote is escaped, what would be loaded is cut out, a policy forbids every script and every request,
and a style of a few lines stands in.
This module is loaded by Great Expectations, by name.
"""

import html
import json
import re
from typing import Any

from great_expectations.data_context import store

POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 24px; }
table { border-collapse: collapse; margin: 4px 0 16px; }
td, th { border-bottom: 1px solid #8885; padding: 4px 14px 4px 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.navbar-brand, footer, form, fieldset, button, a[data-toggle] { display: none; }
.h4, .h5, .h6 { font-weight: 600; }
.fa-check-circle::before { content: "\\2713 "; color: #2a8a3e; }
.fa-times::before { content: "\\2717 "; color: #c62828; }
.fa-exclamation-triangle::before, .fa-exclamation-circle::before { content: "! "; color: #b26a00; }
i { font-style: normal; font-weight: 700; }
"""
FOREIGN = re.compile(r"<script\b.*?</script>|<(?:link|img)\b[^>]*>", re.DOTALL)
HEAD = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'


class PlainPages(store.TupleFilesystemStoreBackend):
    """Writes pages below the policy and with the style; leaves out the fonts and pictures that nothing then shows."""

    def _set(self, key: Any, value: Any, **kwargs: Any) -> Any:
        if isinstance(key, tuple) and key[:1] == ("static",):
            return ""
        if isinstance(value, str):
            value = (
                FOREIGN.sub("", value)
                .replace("<head>", f"<head>{HEAD}", 1)
                .replace("</head>", f"<style>{STYLE}</style></head>", 1)
            )
        return super()._set(key, value, **kwargs)


class ValidationResultsStore(store.ValidationResultsStore):
    """Keeps results as they are, and gives them out for pages with every text in them escaped.

    It has the name of what it stands in for: a context takes no store of another name.
    """

    def deserialize(self, value: Any) -> Any:
        """Return a kept result (JSON text, or what it holds) as a page may show it."""
        kept = json.loads(value) if isinstance(value, str | bytes) else dict(value)
        kept["results"] = [{**each, "result": _escaped(each.get("result"))} for each in kept["results"]]
        return super().deserialize(kept)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value
