"""A second real S3 server for tests: OpenStack Swift with its s3api. Real authentication and signatures.

Four processes on loopback (proxy, account, container, object), one copy of everything in one folder. They are told by
the kernel to end when the test run does, and are killed by `SwiftServer.stop`. No administrator is needed, but a file
system with extended attributes is. Its put-if-absent checks and writes in two steps: a race has several winners.
"""

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec

from tests.servers.s3_server import S3Server, StartError, answers, free_ports

START_SECONDS = 60.0
KINDS = {"account": "swift.account.server", "container": "swift.container.server", "object": "swift.obj.server"}

# One copy on one "device", which is a folder.
RINGS = """
import sys
from swift.common.ring import RingBuilder

for place in sys.argv[2:]:
    kind, port = place.split("=")
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({
        "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1,
        "replication_ip": "127.0.0.1", "replication_port": int(port),
    })
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{kind}.ring.gz")
"""

# Where swift.conf lies is a constant of Swift's, which must be changed before anything else reads it.
LAUNCH = """
import sys
from importlib import import_module

from swift.common import utils

module, conf = sys.argv[1:]
utils.SWIFT_CONF_FILE = conf.rpartition("/")[0] + "/swift.conf"
utils.validate_hash_conf()
sys.argv[1:] = [conf]
import_module(module).main()
"""

SWIFT = """\
[swift-hash]
swift_hash_path_prefix = tests
swift_hash_path_suffix = tests

[storage-policy:0]
name = one
default = yes
"""

SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
log_address = {folder}/no-syslog

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""

PROXY = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
log_address = {folder}/no-syslog

[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth copy slo symlink proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:bulk]
use = egg:swift#bulk

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
force_swift_request_proxy_log = false

[filter:tempauth]
use = egg:swift#tempauth
user_tests_tester = {secret_key} .admin

[filter:copy]
use = egg:swift#copy

[filter:slo]
use = egg:swift#slo

[filter:symlink]
use = egg:swift#symlink
"""


def swift_unavailable() -> str:
    """Why no server can be started here; empty where one can."""
    if not sys.platform.startswith("linux"):
        return f"Swift runs on Linux, this is {sys.platform}"
    if find_spec("swift") is None or shutil.which("setpriv") is None:
        return "not installed: swift (pip install '.[dev]') or setpriv (util-linux)"
    with tempfile.NamedTemporaryFile() as file:
        try:
            os.setxattr(file.name, "user.swift", b"x")
        except OSError as error:
            return f"Swift needs extended attributes, which {tempfile.gettempdir()} has not: {error.strerror}"
    return ""


@dataclass
class SwiftServer(S3Server):
    """One running server."""

    access_key: str = "tests:tester"

    def start(self) -> "SwiftServer":
        """Lay out one disk and start the four processes; on the second call, the same disk is served again.

        Raises:
            StartError: one of them did not come up; whatever was started has been stopped.
        """
        try:
            if not self.s3_port:
                self._lay_out()
            for kind, module in {**KINDS, "proxy": "swift.proxy.server"}.items():
                self.daemon(kind, sys.executable, "-c", LAUNCH, module, f"{self.folder}/{kind}.conf")
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _lay_out(self) -> None:
        (self.folder / "devices" / "disk").mkdir(parents=True)
        self.s3_port, *ports = free_ports(1 + len(KINDS))
        self._ports = dict(zip(KINDS, ports, strict=True)) | {"proxy": self.s3_port}
        (self.folder / "swift.conf").write_text(SWIFT)
        for kind, port in self._ports.items():
            text = (PROXY if kind == "proxy" else SERVER).format(
                kind=kind, port=port, folder=self.folder, user=getpass.getuser(), secret_key=self.secret_key
            )
            (self.folder / f"{kind}.conf").write_text(text)
        places = [f"{kind}={self._ports[kind]}" for kind in KINDS]
        done = subprocess.run(
            [sys.executable, "-c", RINGS, str(self.folder), *places],
            capture_output=True, text=True, timeout=START_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StartError(f"the rings could not be made: {done.stderr[-2000:]}")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        for kind, port in self._ports.items():
            while not answers(port):
                if self.processes[kind].poll() is not None or time.monotonic() > deadline:
                    raise StartError(f"{kind} did not come up: {self.last_words(kind)}")
                time.sleep(0.1)
