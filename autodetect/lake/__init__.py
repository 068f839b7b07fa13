"""The tables (Delta Lake), receipts, quarantine, lease and photo store; schemas in one place."""
