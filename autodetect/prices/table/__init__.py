"""The price table: which listings may speak for a price, and what they say."""
