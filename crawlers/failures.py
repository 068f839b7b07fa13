"""Names for what went wrong with a request: the causes that quarantine and reports show."""

from scrapy.exceptions import IgnoreRequest
from scrapy.spidermiddlewares.httperror import HttpError

from crawlers.middlewares.allowed_hosts import RefusedHostError
from crawlers.middlewares.budget import BudgetSpentError
from crawlers.stopping import StoppedError

# Words in the names or messages of Scrapy's and Twisted's errors -> our cause; the first that fits.
_WORDS = (
    ("robots.txt", "robots_disallow"),
    ("max redirections", "redirect_loop"),
    ("timeout", "timeout"),
    ("dataloss", "truncated"),
    ("responsefailed", "truncated"),
    ("connectionlost", "connection_lost"),
    ("refused", "connection_refused"),
    ("lookup", "unknown_host"),
    ("cannotresolve", "unknown_host"),
    ("cancelled", "too_large"),
    ("maxsize", "too_large"),
)


def is_put_off(error: BaseException) -> bool:
    """Return whether the request was held back by us, and can be sent another night."""
    return isinstance(error, BudgetSpentError | StoppedError)


def cause_of(error: BaseException) -> str:
    """Return the cause that an error is kept under, such as http_404 or timeout; '' for one that nobody expects."""
    if isinstance(error, HttpError):
        return f"http_{error.response.status}"
    if isinstance(error, RefusedHostError):
        return "host_not_allowed"
    text = f"{type(error).__name__} {error}".lower()
    found = next((cause for word, cause in _WORDS if word in text), "")
    return found or ("refused" if isinstance(error, IgnoreRequest) else "")
