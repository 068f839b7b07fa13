"""What a process of the drill did, line by line; a line that was written is on disk, whatever kills the writer."""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """Appends lines of JSON to a file of one writer."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **said: Any) -> None:
        """Put one line on disk."""
        with self.path.open("a") as file:
            file.write(json.dumps(said) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """Return what was written, oldest first; a line that its writer did not live to end is left out."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("}\n")]
