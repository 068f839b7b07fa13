"""Receipts: a stage's commit point, kept as rows of `nights`."""

from datetime import date, datetime, timedelta

import pyarrow.compute as pc

from autodetect.lake.schemas import NIGHTS, TABLES
from autodetect.lake.tables import TableSet, rows_of
from autodetect.records import Receipt, RunKind, Verdict

BEGIN = "begin"  # the stage that fixes what a night is before its first request
END = "end"  # the stage that closes a night with its verdict


class ReceiptBook:
    """All receipts of a lake, oldest first; where a stage ran twice in a night, its newest receipt counts."""

    def __init__(self, tables: TableSet) -> None:
        self._tables = tables

    def commit(self, receipt: Receipt, finished_at: datetime) -> None:
        """Write the receipt: from here on the stage is done."""
        newest = pc.max(self._tables.read(NIGHTS, columns=["finished_at"])["finished_at"]).as_py()
        if newest is not None:  # receipts are ordered by time, also when clocks of two hosts differ or one is set back
            finished_at = max(finished_at, newest + timedelta(microseconds=1))
        row = {
            **receipt.model_dump(include={"night", "kind", "stage", "run_id"}),
            "digest": receipt.digest,
            "receipt": receipt.model_dump_json(),
            "finished_at": finished_at,
        }
        self._tables.append(NIGHTS, rows_of(NIGHTS, [row]))
        version = self._tables.version(NIGHTS)
        self._tables.sync(NIGHTS, since=version - 1)

    def all(self) -> list[Receipt]:
        """Return the newest receipt of every (night, kind, stage), by night and time."""
        rows = self._tables.read(NIGHTS).sort_by([("night", "ascending"), ("finished_at", "ascending")])
        newest: dict[tuple[date, str, str], Receipt] = {}
        for text in rows["receipt"].to_pylist():
            receipt = Receipt.model_validate_json(text)
            newest.pop((receipt.night, receipt.kind, receipt.stage), None)
            newest[receipt.night, receipt.kind, receipt.stage] = receipt
        return list(newest.values())

    def of_night(self, night: date, kind: RunKind = "nightly") -> dict[str, Receipt]:
        """Return a night's receipts by stage; after a held end only `begin` counts: the night is tried anew."""
        found: dict[str, Receipt] = {}
        for receipt in self.all():
            if (receipt.night, receipt.kind) == (night, kind):
                if receipt.stage == END and receipt.facts["verdict"] == Verdict.HELD:
                    found = {stage: kept for stage, kept in found.items() if stage == BEGIN}
                else:
                    found[receipt.stage] = receipt
        return found

    def before(self, night: date, kind: RunKind = "nightly") -> dict[str, Receipt]:
        """Return the newest receipt of each stage of runs of this kind from nights before `night`."""
        return {r.stage: r for r in self.all() if r.night < night and r.kind == kind}

    def newest(self, stage: str, kind: RunKind = "nightly") -> Receipt | None:
        """Return the newest receipt of a stage in runs of this kind, of the newest night that has one."""
        return next((r for r in reversed(self.all()) if (r.stage, r.kind) == (stage, kind)), None)

    def unfinished_night(self) -> date | None:
        """Return the newest night that was begun and not ended, if there is one.

        A night that went out has ended, whatever a promotion after it did not finish; a held one that was begun again
        has not.
        """
        nightly = [receipt for receipt in self.all() if receipt.kind == "nightly"]
        done = {each.night for each in nightly if each.stage == END and each.facts["verdict"] != Verdict.HELD}
        last = {each.night: each.stage for each in nightly}
        return max((night for night, stage in last.items() if stage != END and night not in done), default=None)

    def finished_nights(self) -> dict[date, Verdict]:
        """Return the nights that were ended, in order, each with its verdict."""
        ends = (r for r in self.all() if r.stage == END and r.kind == "nightly")
        return {r.night: Verdict(r.facts["verdict"]) for r in ends}

    def baseline(self, night: date, stage: str) -> dict[str, int]:
        """Return the table versions a stage starts from: the newest that receipts before it name, else 0 (empty)."""
        versions = dict.fromkeys(TABLES, 0)
        for receipt in self.all():
            if receipt.night < night or (receipt.night == night and receipt.stage != stage):
                for table, version in receipt.versions.items():
                    versions[table] = max(version, versions[table])
        return versions


def night_filter(night: date) -> pc.Expression:
    """Return the expression that selects one night's rows."""
    return pc.field("night") == night
