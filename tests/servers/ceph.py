"""A real S3 server for tests: one Ceph monitor, one object store on a sparse file, one RADOS gateway.

Everything lives in one folder and listens on loopback only; the daemons are in process groups of their own, are told
by the kernel to end when the test run does, and are killed by `CephServer.stop`. No administrator is needed.
"""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable

from tests.servers.s3_server import S3Server, StartError, answers, free_ports

BINARIES = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin", "setpriv")
START_SECONDS = 120.0

# One copy on one disk, no authentication between the daemons (loopback only), and none of the waiting for peers that
# a cluster does. The gateway's own users and signatures are real.
CONFIG = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}
admin socket =
pid file =
crash dir = {folder}
log file = {folder}/$name.log
log to stderr = false
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000

[mon]
mon data = {folder}/mon
mon data avail crit = 1
mon data avail warn = 2
paxos propose interval = 0.05
paxos min wait = 0.01

[osd]
osd data = {folder}/osd
osd objectstore = bluestore
osd class update on start = false
osd crush update on start = false
osd memory target = 939524096
bluestore block size = 6442450944
bluestore block create = true

[client]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{s3_port} tcp_nodelay=1
rgw thread pool size = 64
rgw enable usage log = false
rgw gc processor period = 3600
rgw dynamic resharding = false
"""


def ceph_unavailable() -> str:
    """Why no server can be started here; empty where one can."""
    if not sys.platform.startswith("linux"):
        return f"Ceph runs on Linux, this is {sys.platform}"
    absent = [name for name in BINARIES if shutil.which(name) is None]
    if absent:
        packages = "apt-get install --no-install-recommends ceph-mon ceph-osd radosgw"
        return f"not installed: {', '.join(absent)} (Debian: {packages})"
    return ""


class CephServer(S3Server):
    """One running server."""

    def start(self) -> "CephServer":
        """Format the disk, start the three daemons and make a user.

        Raises:
            StartError: a daemon did not come up; whatever was started has been stopped.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        for name in ("mon", "osd", "rgw"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        fsid, osd_id = str(uuid.uuid4()), str(uuid.uuid4())
        mon_port, self.s3_port = free_ports(2)
        text = CONFIG.format(fsid=fsid, folder=self.folder, mon_port=mon_port, s3_port=self.s3_port)
        (self.folder / "ceph.conf").write_text(text)
        (self.folder / "keyring").touch()

        config, monmap = str(self.folder / "ceph.conf"), str(self.folder / "monmap")
        self._command("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{mon_port}]", monmap)
        self._command("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.daemon("mon", "ceph-mon", "-f", "-i", "a", "-c", config)
        self._ask("osd", "new", osd_id)
        self._ask("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=tests")
        self._command("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd_id)
        self.daemon("osd", "ceph-osd", "-f", "-i", "0", "-c", config)
        self._wait("osd", self._osd_is_up)
        self._command(
            "radosgw-admin", "user", "create", "--uid=tests", "--display-name=tests",
            f"--access-key={self.access_key}", f"--secret-key={self.secret_key}",
        )  # fmt: skip
        self.daemon("rgw", "radosgw", "-f", "-n", "client.admin", "-c", config)
        self._wait("rgw", lambda: answers(self.s3_port))

    def _command(self, *command: str) -> str:
        options = [] if command[0] == "monmaptool" else ["-c", str(self.folder / "ceph.conf")]
        try:
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=START_SECONDS, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as slow:
            raise StartError(f"{' '.join(command[:3])}: no answer after {START_SECONDS:.0f} s") from slow
        if done.returncode:
            raise StartError(f"{' '.join(command[:3])} failed ({done.returncode}): {done.stderr[-2000:]}")
        return done.stdout

    def _osd_is_up(self) -> bool:
        try:
            return bool(json.loads(self._command("ceph", "osd", "stat", "--format=json"))["num_up_osds"])
        except StartError:
            return False

    def _ask(self, *words: str) -> None:
        """Tell the monitor something that may be said twice: a busy one refuses a command and takes the next."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._command("ceph", "--connect-timeout", "30", *words)
            except StartError:
                if self.processes["mon"].poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                raise StartError(f"{name} did not come up: {self.last_words(name)}")
            time.sleep(0.1)
