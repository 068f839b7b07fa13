"""What a client refuses beyond what is forged or damaged."""

from autodetect.errors import CorruptError


class OlderReleaseError(CorruptError):
    """The store shows an older or other history than this client has seen: it was replayed or rewritten."""
