"""What a training logs: `history.jsonl`, a line per checkpoint, and the same curves as a TensorBoard event file.

Both are rewritten whole from the history that the checkpoint holds, so that after a kill neither has a line twice, nor
one of a step that was undone. The event file is written here rather than by `tf.summary`, which needs TensorFlow on any
backend: a scalar's record is a few bytes of protocol buffer (tensorflow/core/util/event.proto) in a TFRecord frame.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autodetect.lake.objects.durable import write_file

HISTORY_NAME = "history.jsonl"
EVENTS_NAME = "events.out.tfevents.0.autodetect"

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5  # wire types
_MASK = 0xFFFFFFFF


def write_logs(folder: Path, history: Iterable[Mapping[str, float]]) -> None:
    """Write both files; each entry has `step`, `seconds` since the training began, and named scalars."""
    entries = list(history)
    write_file(folder / HISTORY_NAME, [json.dumps(dict(entry)).encode() + b"\n" for entry in entries])
    write_file(folder / EVENTS_NAME, _events(entries))


def _events(entries: Iterable[Mapping[str, float]]) -> Iterator[bytes]:
    yield _framed(_double(1, 0.0) + _bytes(3, b"brain.Event:2"))
    for entry in entries:
        scalars = b"".join(
            _bytes(1, _bytes(1, f"finetune/{name}".encode()) + _key(2, _FLOAT) + struct.pack("<f", value))
            for name, value in entry.items()
            if name not in {"step", "seconds"}
        )
        yield _framed(
            _double(1, entry["seconds"]) + _key(2, _VARINT) + _varint(int(entry["step"])) + _bytes(5, scalars)
        )


def _framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked_crc(length)) + data + struct.pack("<I", _masked_crc(data))


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)  # noqa: PLW2901 - the register is the byte shifted out
        table.append(byte)
    return tuple(table)


_CRC32C = _crc_table()


def _masked_crc(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of the data, rotated and offset as TFRecord wants it."""
    crc = _MASK
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= _MASK
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _MASK
