"""Keep Prefect's log from showing a traceback for what a person is told in words."""

import logging

from autodetect.errors import AutoDetectError

RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")


def tell_errors_plainly() -> None:
    """Keep an `AutoDetectError` in Prefect's records of failed runs to one line. Safe to repeat."""
    for name in RUN_LOGGERS:
        logger = logging.getLogger(name)
        if _without_traceback not in logger.filters:
            logger.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, AutoDetectError):
        record.msg, record.args, record.exc_info = "%s", (error.what,), None
    # Prefect then repeats the message once per level of nesting, as the state's representation.
    return not record.getMessage().startswith("Finished in state")
