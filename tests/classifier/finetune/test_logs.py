import json

import keras
import pytest

from autodetect.classifier.finetune.logs import EVENTS_NAME, HISTORY_NAME, write_logs

HISTORY = [
    {"step": 200, "seconds": 12.5, "loss": 1.25, "val_top1": 0.5},
    {"step": 400_000, "seconds": 25.0, "loss": 0.75, "val_top1": 0.625},
]


def test_the_history_is_a_line_per_entry_and_written_again_it_is_no_longer(tmp_path):
    write_logs(tmp_path, HISTORY)
    write_logs(tmp_path, HISTORY)
    assert [json.loads(line) for line in (tmp_path / HISTORY_NAME).read_text().splitlines()] == HISTORY


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's reader checks the file")
def test_tensorflow_reads_the_events_back_checksums_and_all(tmp_path):
    from tensorflow.compat.v1.train import summary_iterator

    write_logs(tmp_path, HISTORY)
    first, *events = summary_iterator(str(tmp_path / EVENTS_NAME))
    assert first.file_version == "brain.Event:2"
    read = [
        {"step": event.step, "seconds": event.wall_time}
        | {value.tag.removeprefix("finetune/"): value.simple_value for value in event.summary.value}
        for event in events
    ]
    assert read == HISTORY
