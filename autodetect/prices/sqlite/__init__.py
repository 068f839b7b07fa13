"""The file that a phone opens: written page by page, read by SQL."""
