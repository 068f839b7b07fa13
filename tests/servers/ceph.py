"""A real S3 server for tests: one Ceph monitor, one object store on a sparse file, one RADOS gateway.

Everything lives in one folder and listens on loopback only; the daemons are in process groups of their own, are told
by the kernel to end when the test run does, and are killed by `CephServer.stop`. No administrator is needed.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

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


class CephStartError(RuntimeError):
    """The server could not be started; the message holds the daemons' last words."""


def ceph_unavailable() -> str:
    """Why no server can be started here; empty where one can."""
    if not sys.platform.startswith("linux"):
        return f"Ceph runs on Linux, this is {sys.platform}"
    absent = [name for name in BINARIES if shutil.which(name) is None]
    if absent:
        packages = "apt-get install --no-install-recommends ceph-mon ceph-osd radosgw"
        return f"not installed: {', '.join(absent)} (Debian: {packages})"
    return ""


@dataclass
class CephServer:
    """One running server; `endpoint`, `access_key` and `secret_key` are what an S3 client needs."""

    folder: Path
    access_key: str = "autodetect-tests"
    secret_key: str = "autodetect-tests-secret"  # opens nothing but a server that lives for one run of the tests
    s3_port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The address of the gateway."""
        return f"http://127.0.0.1:{self.s3_port}"

    def aws_variables(self) -> dict[str, str]:
        """The variables by which boto3 and deltalake find the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def client(self) -> Any:
        """A boto3 client of the server."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def start(self) -> "CephServer":
        """Format the disk, start the three daemons and make a user.

        Raises:
            CephStartError: a daemon did not come up; whatever was started has been stopped.
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

        monmap = str(self.folder / "monmap")
        self._command("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v1:127.0.0.1:{mon_port}]", monmap)
        self._command("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._daemon("mon", "ceph-mon", "-f", "-i", "a")
        self._ask("osd", "new", osd_id)
        self._ask("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=tests")
        self._command("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd_id)
        self._daemon("osd", "ceph-osd", "-f", "-i", "0")
        self._wait("osd", self._osd_is_up)
        self._command(
            "radosgw-admin", "user", "create", "--uid=tests", "--display-name=tests",
            f"--access-key={self.access_key}", f"--secret-key={self.secret_key}",
        )  # fmt: skip
        self._daemon("rgw", "radosgw", "-f", "-n", "client.admin")
        self._wait("rgw", lambda: answers(self.s3_port))

    def stop(self) -> None:
        """Kill what was started; nothing on the disk is worth keeping."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def _daemon(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("wb") as out:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, "-c", str(self.folder / "ceph.conf")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0,
            )  # fmt: skip

    def _command(self, *command: str) -> str:
        options = [] if command[0] == "monmaptool" else ["-c", str(self.folder / "ceph.conf")]
        try:
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=START_SECONDS, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as slow:
            raise CephStartError(f"{' '.join(command[:3])}: no answer after {START_SECONDS:.0f} s") from slow
        if done.returncode:
            raise CephStartError(f"{' '.join(command[:3])} failed ({done.returncode}): {done.stderr[-2000:]}")
        return done.stdout

    def _osd_is_up(self) -> bool:
        try:
            return bool(json.loads(self._command("ceph", "osd", "stat", "--format=json"))["num_up_osds"])
        except CephStartError:
            return False

    def _ask(self, *words: str) -> None:
        """Tell the monitor something that may be said twice: a busy one refuses a command and takes the next."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._command("ceph", "--connect-timeout", "30", *words)
            except CephStartError:
                if self.processes["mon"].poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                said = (self.folder / f"{name}.out").read_text(errors="replace")[-2000:]
                raise CephStartError(f"{name} did not come up: {said}")
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment, below those that outgoing connections are given."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20_000, 32_000), 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise CephStartError("no free ports between 20000 and 32000")


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with closing(socket.socket()) as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0
