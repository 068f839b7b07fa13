"""Snapshots: which photo is which class in which split, and why."""
