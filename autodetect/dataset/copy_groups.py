"""Copy groups: photos that show one and the same picture. A group is named after its first photo and only ever grows.

Only groups that tonight's pairs touch are looked at, however many photos the lake holds.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.photos.unions import Unions


def regrouped(known: pa.Table, new: Sequence[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return sha256 -> copy group for tonight's photos, and for older ones whose group changes.

    Args:
        known: `photos` as of last night: sha256, night, copy_group; those that are in no group are left alone.
        new: tonight's photos; one without copies is its own group.
        pairs: photos, at least one of each two new, that were found to be copies.

    Returns:
        Groups are named after their first photo, by night and digest. It does not matter in which order pairs come.
    """
    pairs = [*pairs]
    arrived = set(new)
    touched = sorted({sha256 for pair in pairs for sha256 in pair} - arrived)
    named = known.filter(pc.is_in(known["sha256"], pa.array(touched, pa.string())))
    group_of = dict(zip(named["sha256"].to_pylist(), named["copy_group"].to_pylist(), strict=True))
    members = known.filter(pc.is_in(known["copy_group"], pa.array(sorted(set(group_of.values())), pa.string())))
    first_seen = dict(zip(members["sha256"].to_pylist(), members["night"].to_pylist(), strict=True))
    before = dict(zip(members["sha256"].to_pylist(), members["copy_group"].to_pylist(), strict=True))

    unions: Unions[str] = Unions()
    for sha256, group in before.items():
        unions.join(sha256, group)
    for one, other in pairs:
        unions.join(one, other)
    last = max(first_seen.values(), default=None)
    groups: dict[str, str] = {}
    for found in unions.groups([*before, *new]):
        name = min(found, key=lambda sha256: (first_seen.get(sha256, last), sha256 in arrived, sha256))
        groups |= dict.fromkeys(found, name)
    return {sha256: group for sha256, group in sorted(groups.items()) if before.get(sha256) != group}
