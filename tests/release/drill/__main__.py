"""`python -m tests.release.drill --publishes 200 --processes 4 --store FOLDER|s3://bucket/prefix --seed 1`.

For S3 the AWS variables lead to a server on this machine, before which a proxy makes the network bad.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.release.drill.drill import Drill, Outcome
from tests.release.drill.roles import Plan


def main() -> int:
    """Run one drill, print its table, and return 1 if anything happened that must not."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        plan = Plan(url=asked.store, folder=Path(folder) / "journals", seed=asked.seed)
        disk = None
        if "://" not in asked.store:
            disk = Path(asked.store) if asked.disk_mb else None
            plan = Plan(url=f"{asked.store}/releases", folder=plan.folder, seed=asked.seed, small_disk=disk is None)
        if disk:
            disk.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={asked.disk_mb}m", "none", str(disk)], check=True)
        proxy = None
        if "://" in asked.store:
            importlib.import_module("boto3")  # once, and not in every process
            proxy, port = _proxy(urlsplit(os.environ["AWS_ENDPOINT_URL"]).port or 80, asked.seed)
            plan = Plan(url=asked.store, folder=plan.folder, seed=asked.seed, through=f"http://127.0.0.1:{port}")
        begun = time.monotonic()
        try:
            outcome = Drill(plan, asked.publishes, asked.processes, asked.deadline, asked.kill_every, disk).run()
        finally:
            if proxy:
                faults, _ = proxy.communicate()
                sys.stdout.write(faults)
            if disk:
                subprocess.run(["umount", "-l", str(disk)], check=False)
        _print(outcome, time.monotonic() - begun)
    return 1 if outcome.wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.release.drill", description=__doc__)
    parser.add_argument("--publishes", type=int, default=200, help="acknowledged commits")
    parser.add_argument("--processes", type=int, default=4, help="publishers at once")
    parser.add_argument("--store", required=True, help="a new folder, or s3://bucket/prefix")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=float, default=300, help="seconds")
    parser.add_argument("--kill-every", type=float, default=0.5, help="seconds between two kills, on average")
    parser.add_argument("--disk-mb", type=int, default=0, help="put the folder on a small disk of its own (mount)")
    return parser.parse_args()


def _proxy(upstream_port: int, seed: int) -> tuple[subprocess.Popen[str], int]:
    """Start the proxy as a process of its own, so that the drill, which forks, has one thread."""
    script = (
        "import sys; from tests.servers.fault_proxy import FaultProxy\n"
        "proxy = FaultProxy(int(sys.argv[1]), int(sys.argv[2]))\n"
        "print(proxy.port, flush=True); sys.stdin.read()\n"
        "sound = proxy.counts.pop('sound', 0)\n"
        "rows = [*sorted(proxy.counts.items()), ('faults', proxy.counts.total()), ('sound requests', sound)]\n"
        "print(*(f'{kind:>24} {n:6}' for kind, n in rows), sep='\\n')"
    )
    command = [sys.executable, "-c", script, str(upstream_port), str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _print(outcome: Outcome, seconds: float) -> None:
    rows = [f"{name:>24} {count:6}" for name, count in sorted(outcome.counts.items())]
    rows += [f"{'seconds':>24} {seconds:6.1f}", *(f"WRONG: {each}" for each in outcome.wrong)]
    sys.stdout.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    sys.exit(main())
