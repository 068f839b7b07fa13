"""The first page of a night's Data Docs: every suite, what it judged, and the rules that failed, worst first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EFFECTS = ("held", "warned", "refused", "nulled", "noted")
PAGE = """<!doctype html>
<html lang="en">
<head>{{ head | safe }}
<title>Data checks of {{ night }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
<h1>Data checks of {{ night }}</h1>
<p>{{ suites | length }} suites, {{ suites | sum("judged") }} rules judged, {{ suites | sum("failed_count") }} failed.
A rule that is <b>held</b> keeps the night from being published, one that is <b>warned</b> is only told; rows that are
<b>refused</b>, <b>nulled</b> or <b>noted</b> are in the quarantine.</p>
<table>
<thead><tr><th></th><th>Suite</th><th>Rules</th><th>What failed</th></tr></thead>
<tbody>
{% for suite in suites %}
<tr><td><i class="fas {{ suite.sign }}"></i></td><td><a href="{{ suite.link }}">{{ suite.name }}</a></td>
<td>{{ suite.judged }}</td>
<td>{% for rule in suite.failed %}{{ rule.name }} ({{ rule.effect }}): {{ rule.observed }}<br>{% endfor %}</td></tr>
{% endfor %}
</tbody>
</table>
<p>Made by Great Expectations {{ version }}. The same results as JSON: <code>results/validations/</code>.</p>
</body>
</html>
"""


def write_index(docs: Path, version: str) -> Path:
    """Write `index.html` from the results kept in the folder `docs`, and return its path."""
    from jinja2 import Environment, StrictUndefined

    from autodetect.validation.pages import HEAD, STYLE

    suites = sorted(_suites(docs), key=lambda each: (each["rank"], each["name"]))
    nights = sorted({each["run"] for each in suites})
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["sum"] = lambda rows, name: sum(row[name] for row in rows)
    text = environment.from_string(PAGE).render(
        head=HEAD, style=STYLE, night=", ".join(nights) or "this night", suites=suites, version=version
    )
    docs.mkdir(parents=True, exist_ok=True)
    temporary = docs / ".index.html.part"
    temporary.write_text(text, "utf-8")
    return temporary.replace(docs / "index.html")


def _suites(docs: Path) -> Iterator[dict[str, Any]]:
    kept = docs / "results" / "validations"
    for file in sorted(kept.glob("*/*/*/*.json")):
        result = json.loads(file.read_text("utf-8"))
        failed = [_failed(each) for each in result["results"] if not each["success"]]
        failed.sort(key=lambda rule: (EFFECTS.index(rule["effect"]), rule["name"]))
        rank = EFFECTS.index(failed[0]["effect"]) if failed else len(EFFECTS)
        where = file.relative_to(kept).with_suffix(".html")
        yield {
            "name": where.parts[0],
            "run": where.parts[1],
            "link": f"validations/{where.as_posix()}",
            "judged": len(result["results"]),
            "failed": failed,
            "failed_count": len(failed),
            "rank": rank,
            "sign": "fa-check-circle" if not failed else "fa-times" if rank == 0 else "fa-exclamation-triangle",
        }


def _failed(result: dict[str, Any]) -> dict[str, str]:
    meta, told = result["expectation_config"]["meta"], result["result"]
    if "unexpected_count" in told:
        observed = f"{told['unexpected_count']:,} of {told['element_count']:,} rows"
    else:
        observed = str(told.get("observed_value", ""))
    return {"name": meta["rule"], "effect": meta["effect"], "observed": observed}
