"""Prefect flows: one thin flow per stage, `nightly` composing them, and the command line.

Nothing here calls home: telemetry of Prefect and Great Expectations is off unless the environment says otherwise.
Prefect reads its settings when it is first imported, so they are set here, before any module of this package.
"""

import os

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
