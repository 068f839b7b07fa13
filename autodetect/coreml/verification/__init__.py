"""Verifying any Core ML package: what it is, whether it is sound, and whether it is the model that it names."""
