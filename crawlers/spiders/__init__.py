"""Spiders: one per way into a source."""
