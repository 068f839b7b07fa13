"""Exact near-neighbour search over 64-bit hashes: immutable segments that the lake keeps."""
