"""Serves result pages and item pages in the shapes of eBay's."""
