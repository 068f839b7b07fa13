"""`python -m crawlers.sandbox FOLDER`: serve a marketplace folder until terminated."""

import argparse
import os
import sys
from pathlib import Path

from autodetect.errors import UsageError
from crawlers.sandbox.faults.kinds import help_lines
from crawlers.sandbox.pages.web import GENERATIONS
from crawlers.sandbox.server import serve
from crawlers.sandbox.tokens import LIFETIME_S


def main(arguments: list[str] | None = None) -> int:
    """Run the server; the exit code is 0 after SIGINT and 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m crawlers.sandbox",
        description="Serve a marketplace folder.",
        epilog="\n  ".join(["faults:", *help_lines()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="listings.csv, photos/ and perhaps sold.csv")
    parser.add_argument("--night-index", type=int, default=1, help="the night to serve, from 1")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--client-id", default="sandbox")
    parser.add_argument("--client-secret", default="sandbox")
    parser.add_argument("--token-lifetime", type=int, default=LIFETIME_S, metavar="SECONDS")
    parser.add_argument(
        "--serves", default="", metavar="ID", help="the only X-EBAY-C-MARKETPLACE-ID that finds anything; default: any"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[:KEY=VALUE,...]",
        help="a fault to serve, see below; may be given several times",
    )
    parser.add_argument("--markup", choices=GENERATIONS, default="s-card", help="the markup of search pages")
    parser.add_argument("--fault-seed", type=int, default=0, metavar="N", help="decides which addresses are hit")
    parser.add_argument(
        "--with-parent",
        type=int,
        nargs="?",
        const=os.getppid(),
        metavar="PID",
        help="exit when this process, by default the one that started the server, is gone",
    )
    given = parser.parse_args(arguments)
    try:
        serve(
            given.folder,
            night_index=given.night_index,
            host=given.host,
            port=given.port,
            with_parent=given.with_parent,
            client_id=given.client_id,
            client_secret=given.client_secret,
            token_lifetime_s=given.token_lifetime,
            marketplace_id=given.serves,
            faults=given.fault,
            fault_seed=given.fault_seed,
            markup=given.markup,
        )
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
