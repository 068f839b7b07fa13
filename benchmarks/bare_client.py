"""An HTTP client that only fetches: `python -m benchmarks.bare_client`, request on stdin, what it took on stdout.

As `benchmarks.bare_spider`, without Scrapy: as many requests in flight as `settings` allow to one host, no retries, no
queues of hosts, no callbacks.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator

import httpx


def main() -> None:
    """Fetch all."""
    request = json.load(sys.stdin)
    in_flight = request["settings"]["CONCURRENT_REQUESTS_PER_DOMAIN"]
    started, cpu = time.perf_counter(), time.process_time()
    answered = asyncio.run(_fetched(request["urls"], request["headers"], in_flight))
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    json.dump({**took, "answered": answered}, sys.stdout)


async def _fetched(urls: list[str], headers: dict[str, str], in_flight: int) -> int:
    """Return how many answers were HTTP 200."""
    waiting = iter(urls)
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        return sum(await asyncio.gather(*(_worked_off(client, waiting) for _ in range(in_flight))))


async def _worked_off(client: httpx.AsyncClient, waiting: Iterator[str]) -> int:
    return sum([(await client.get(url)).status_code == httpx.codes.OK for url in waiting])


if __name__ == "__main__":
    main()
