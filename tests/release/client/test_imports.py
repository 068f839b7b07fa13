"""A client is a small program: what it loads is what a phone would have to have."""

import json
import subprocess
import sys
from pathlib import Path

from autodetect.lake.objects import LocalStore
from tests.release.sample import KEY, publish_night
from tests.servers.web import WebServer

ROOT = Path(__file__).parents[3]
HEAVY = {
    "tensorflow",
    "keras",
    "boto3",
    "botocore",
    "pyarrow",
    "pandas",
    "numpy",
    "deltalake",
    "urllib3",
    "httpx",
    "PIL",
}
SYNCED = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from autodetect.release.client import open_source, sync
from autodetect.release.signing import PublicKey

url, folder, key = sys.argv[1:]
now, trusted = datetime(2026, 3, 1, tzinfo=UTC), PublicKey.model_validate_json(key)
found = sync(open_source(url), Path(folder), trusted=trusted, now=now)
print(json.dumps([found.sequence, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_a_sync_over_http_and_from_a_folder_loads_nothing_heavy(
    store: LocalStore, web: WebServer, tmp_path: Path
) -> None:
    publish_night(store, tmp_path, 1)
    for url in (web.url, str(store.root)):
        command = [sys.executable, "-c", SYNCED, url, str(tmp_path / "cache"), KEY.public.model_dump_json()]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        sequence, loaded = json.loads(done.stdout)
        assert sequence == 1
        assert HEAVY & set(loaded) == set()


def test_publishing_and_checking_load_nothing_heavy_either() -> None:
    rooms = "autodetect.release.publish, autodetect.release.verify"
    script = f"import json, sys; import {rooms}; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(done.stdout)) == set()
