"""The fields that every page shows of an offer in the same way, one method each: its price, and where it is."""

from abc import abstractmethod

from web_poet import field
from web_poet.fields import FieldsMixin

from crawlers.pages.money import Money
from crawlers.pages.place import Place


class OfferFields(FieldsMixin):
    """A part of a page object; the page gives `_money`, `_converted` and `_place`."""

    @abstractmethod
    def _money(self) -> Money: ...

    @abstractmethod
    def _converted(self) -> Money: ...

    @abstractmethod
    def _place(self) -> Place: ...

    @field
    def price(self) -> str:
        """What the seller asks, or got."""
        return self._money().amount

    @field
    def currency(self) -> str:
        """The seller's."""
        return self._money().currency

    @field
    def converted_price(self) -> str:
        """What the page made of it for its reader."""
        return self._converted().amount

    @field
    def converted_currency(self) -> str:
        """The reader's."""
        return self._converted().currency

    @field
    def postal_code(self) -> str:
        """Where the item is."""
        return self._place().postal_code

    @field
    def city(self) -> str:
        """Where the item is."""
        return self._place().city

    @field
    def state(self) -> str:
        """Where the item is."""
        return self._place().state

    @field
    def country(self) -> str:
        """Where the item is."""
        return self._place().country
