"""Decode, perceptual hash, near-duplicate search, vehicle grouping, screening."""
