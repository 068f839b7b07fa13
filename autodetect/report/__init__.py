"""The nightly report (HTML) and its plots."""
