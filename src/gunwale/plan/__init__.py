"""The plan: values with their origins, and the arithmetic behind them; no effects but reading configuration."""
