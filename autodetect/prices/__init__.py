"""Price tables and the offers behind them."""
