"""Of which photos which views are wanted: all as they are, some as a phone would see them, some mirrored."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.candidates import shown_photos
from autodetect.dataset.embedding_plan import evaluated_photos, street_choice, training_photos
from autodetect.photos.inputs import MIRROR, PLAIN
from autodetect.photos.street import STREET
from autodetect.settings import Settings

Views = dict[str, list[str]]  # view -> photos, the most important view first


@dataclass(frozen=True)
class Photos:
    """The lake's photos as tonight leaves them.

    Attributes:
        photos: `photos`: sha256, verdict, copy_group.
        listing_photos: `listing_photos`: source, item_id, sha256.
        vehicles: `vehicles`: source, item_id, vehicle_id, split, burned.
    """

    photos: pa.Table
    listing_photos: pa.Table
    vehicles: pa.Table

    @property
    def sound(self) -> pa.Table:
        """Return the photos that are `ok`."""
        return self.photos.filter(pc.equal(self.photos["verdict"], "ok"))

    def of_verdict(self, *, ok: bool) -> list[str]:
        """Return the photos that are `ok`, or those that are not."""
        verdicts = pc.equal if ok else pc.not_equal
        found: list[str] = self.photos["sha256"].filter(verdicts(self.photos["verdict"], "ok")).to_pylist()
        return found

    def views(self, settings: Settings, *, judged_apart: bool = False) -> Views:
        """Return the photos that each view is wanted of; with `judged_apart`, only of those that models are judged by.

        A picture that is shown many times has one name, its copy group's: that is what a snapshot knows it by.
        """
        wanted = {} if judged_apart else {PLAIN: self.of_verdict(ok=True)}
        phones, mirrored = settings.evaluation.phone_vehicles, settings.backbone.mirrored and not judged_apart
        if phones or mirrored or judged_apart:
            shown = shown_photos(self.photos, self.listing_photos).drop(columns="sha256")
            places = self.vehicles.select(["source", "item_id", "vehicle_id", "split", "burned"]).to_pandas()
            placed = shown.rename(columns={"copy_group": "sha256"}).merge(places, on=["source", "item_id"])
            placed = placed[placed["sha256"].isin(self.of_verdict(ok=True))].astype({"burned": bool})
            if judged_apart:
                wanted[PLAIN] = evaluated_photos(placed)
            if phones:
                wanted[STREET] = street_choice(placed, phones)
            if mirrored:
                wanted[MIRROR] = training_photos(placed)
        return wanted
