"""Where a fine-tune keeps what it works with, in the lake's local scratch folder, and what of it is thrown away."""

from pathlib import Path

PIXELS_SUFFIX = ".u8"
CHECKPOINT_SUFFIX = ".npz"


def finetune_folder(work: Path) -> Path:
    """Return the folder of photos, checkpoints and logs; each training has a folder of its own in it."""
    return work / "finetune"


def photos_folder(work: Path) -> Path:
    """Return the folder of decoded photos."""
    return finetune_folder(work) / "photos"


def clear_scratch(work: Path) -> None:
    """Remove decoded photos and checkpoints, gigabytes that nobody needs any more; logs stay."""
    for path in sorted(finetune_folder(work).rglob("*")):
        if path.suffix in {PIXELS_SUFFIX, CHECKPOINT_SUFFIX} or path.parent == photos_folder(work):
            path.unlink()
