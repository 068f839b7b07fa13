"""The command line: `autodetect`."""

from flows.cli.app import main

__all__ = ["main"]
