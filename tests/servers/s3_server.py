"""What every S3 server of the tests has: a folder, an address, keys, and processes that end with the test run."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3


class StartError(RuntimeError):
    """The server could not be started; the message holds the last words of what failed."""


@dataclass
class S3Server:
    """One server; `endpoint`, `access_key` and `secret_key` are what an S3 client needs."""

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

    def stop(self) -> None:
        """Kill what was started, at once: what was acknowledged must be on the disk."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def daemon(self, name: str, *command: str) -> None:
        """Start a process in a group of its own, which the kernel ends when the test run does."""
        with (self.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0,
            )  # fmt: skip

    def last_words(self, name: str) -> str:
        """The end of what a process has printed."""
        return (self.folder / f"{name}.out").read_text(errors="replace")[-2000:]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment, below those that outgoing connections are given."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20_000, 32_000), 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise StartError("no free ports between 20000 and 32000")


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with closing(socket.socket()) as connection:
        connection.settimeout(1)
        return connection.connect_ex(("127.0.0.1", port)) == 0
