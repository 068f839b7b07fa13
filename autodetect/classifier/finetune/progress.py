"""How far a training has come, and how long it will take, as a record and in words."""

from autodetect.durations import duration
from autodetect.records import Record


class Progress(Record):
    """After a round: `step` of `steps` updates are done, `steps_now` of them and `photos` in the `seconds` of this run.

    `entry` is the round's line of the history.
    """

    step: int
    steps: int
    steps_now: int
    photos: int
    seconds: float
    entry: dict[str, float]

    @property
    def photos_per_second(self) -> float:
        """Photos trained on per second of this run, validation and checkpoints included."""
        return self.photos / self.seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the end of the budget at this run's pace."""
        return (self.steps - self.step) * self.seconds / self.steps_now

    @property
    def words(self) -> str:
        """One line for a person."""
        return (
            f"step {self.step:,} of {self.steps:,}, loss {self.entry['loss']:.3f}, validation top-1 "
            f"{self.entry['val_top1']:.1%}, {self.photos_per_second:.1f} photos/s, {duration(self.seconds_left)} left"
        )
