"""A night of the source `folder`, written to the night's ledger as a crawl's outcomes are."""

from autodetect.lake.lake import Lake
from autodetect.records import Refusal, StageRun
from autodetect.settings import Settings
from crawlers.folder.crawl import crawl_folder
from crawlers.frontier import Frontier
from crawlers.ledger import Ledger
from crawlers.rules import ASKING


def look_at_folder(ledger: Ledger, frontier: Frontier, settings: Settings, lake: Lake, run: StageRun) -> list[Refusal]:
    """Take everything that the folder holds; return what was refused.

    Raises:
        UsageError: the folder cannot be used.
    """
    crawl = crawl_folder(settings, lake, run)
    refused = list(crawl.refusals)
    for taken in crawl:
        refused += taken.refusals
        if taken.listing is not None:
            frontier.take_kept(taken.listing)
    frontier.close_whole(ASKING, ledger.seen(ASKING))
    return refused
