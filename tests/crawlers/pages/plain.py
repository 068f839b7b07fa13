"""How the fixtures of page objects write items: as plain JSON, dates as ISO 8601."""

import json
from typing import Any

from web_poet.testing.itemadapter import WebPoetTestItemAdapter


class PlainAdapter(WebPoetTestItemAdapter):
    """Named in each fixture's `meta.json`."""

    def asdict(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(json.dumps(super().asdict(), default=str))
        return plain
