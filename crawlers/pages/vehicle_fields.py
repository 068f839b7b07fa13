"""The fields of a page that follow from its item specifics, one method each."""

from abc import abstractmethod
from collections.abc import Mapping

from web_poet import field
from web_poet.fields import FieldsMixin


class VehicleFields(FieldsMixin):
    """A part of a page object; the page gives `_vehicle`, what `crawlers.specifics.fields_of` found."""

    @abstractmethod
    def _vehicle(self) -> Mapping[str, str]: ...

    @field
    def make(self) -> str:
        """'Ford'."""
        return self._vehicle().get("make", "")

    @field
    def model(self) -> str:
        """'Mustang'."""
        return self._vehicle().get("model", "")

    @field
    def year(self) -> str:
        """The model year."""
        return self._vehicle().get("year", "")

    @field
    def trim(self) -> str:
        """'GT Premium'."""
        return self._vehicle().get("trim", "")

    @field
    def mileage(self) -> str:
        """As written."""
        return self._vehicle().get("mileage", "")

    @field
    def mileage_unit(self) -> str:
        """'mi', 'km', or '' where it is not said."""
        return self._vehicle().get("mileage_unit", "")

    @field
    def body_type(self) -> str:
        """'Coupe'."""
        return self._vehicle().get("body_type", "")

    @field
    def engine(self) -> str:
        """As written."""
        return self._vehicle().get("engine", "")

    @field
    def cylinders(self) -> str:
        """Their number, as written."""
        return self._vehicle().get("cylinders", "")

    @field
    def drive_type(self) -> str:
        """'RWD'."""
        return self._vehicle().get("drive_type", "")

    @field
    def fuel_type(self) -> str:
        """'Gasoline'."""
        return self._vehicle().get("fuel_type", "")

    @field
    def transmission(self) -> str:
        """'Manual'."""
        return self._vehicle().get("transmission", "")

    @field
    def title_status(self) -> str:
        """'Clean'."""
        return self._vehicle().get("title_status", "")

    @field
    def vin(self) -> str:
        """Only one whose check digit holds; any other stays among the aspects."""
        return self._vehicle().get("vin", "")
