"""One Great Expectations context for the Data Docs of a night: suites, results and pages in one folder.

Results are kept as JSON beside the pages, so that every stage of a night adds to one site and its index. Names depend
on the night and the suite alone: a stage that runs again overwrites its own pages.
"""

import contextlib
import gc
import logging
import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SITE = "night"


def open_context(docs: Path) -> tuple[Any, Any]:
    """Return the great_expectations module and a context whose results and pages lie in the folder `docs`."""
    gx = _great_expectations()
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    root = docs.absolute()
    defaults = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    files = {"class_name": "TupleFilesystemStoreBackend", "filepath_suffix": ".json"}
    kept = {
        "expectations_store": {
            "class_name": "ExpectationsStore",
            "store_backend": files | {"base_directory": str(root / "results" / "suites")},
        },
        "validation_results_store": {
            "class_name": "ValidationResultsStore",
            "module_name": "autodetect.validation.pages",
            "store_backend": files | {"base_directory": str(root / "results" / "validations")},
        },
    }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        stores={**defaults.stores, **kept},
        data_docs_sites={SITE: _site(root)},
        progress_bars={"globally": False},
        analytics_enabled=False,
    )
    return gx, gx.get_context(mode="ephemeral", project_config=config)


def run_id(gx: Any, run_name: str) -> Any:
    """Return the run's identifier; its time is the night's, so that the pages' names are the same every time."""
    return gx.RunIdentifier(run_name=run_name, run_time=datetime.fromisoformat(run_name).replace(tzinfo=UTC))


def forget_suite(context: Any, suite: str) -> None:
    """Remove a kept suite without reading it: a run that was killed may have left half of it."""
    store = context.expectations_store
    for key in store.list_keys():
        if _suite_of(key) == suite:
            store.remove_key(key)


def forget(context: Any, suite: str, run_name: str) -> None:
    """Remove what an earlier run of the night kept of a suite that cannot be judged now."""
    results = context.validation_results_store
    for key in results.list_keys():
        if _suite_of(key) == suite and key.run_id.run_name == run_name:
            results.remove_key(key)
    forget_suite(context, suite)


def build_docs(context: Any, suites: Collection[str]) -> None:
    """Write the pages of some suites and their results; those of suites that are kept no more go."""
    stores = (context.expectations_store, context.validation_results_store)
    made = [key for store in stores for key in store.list_keys() if _suite_of(key) in suites]
    context.build_data_docs(site_names=[SITE], resource_identifiers=made)


def _suite_of(key: Any) -> str:
    return key.name if hasattr(key, "name") else key.expectation_suite_identifier.name


def _great_expectations() -> Any:
    """Import GX with its telemetry off; it decides at import time. Of its log only errors are heard."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with _no_collection():
        import great_expectations as gx

    return gx


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the garbage collector: what an import makes stays, and looking through it took a quarter of the import."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _site(root: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "PlainPages",
            "module_name": "autodetect.validation.pages",
            "base_directory": str(root),
        },
        "site_section_builders": {"profiling": "None"},
    }
