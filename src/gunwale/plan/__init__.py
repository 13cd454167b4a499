"""The plan: values with their origins and the arithmetic behind them; its only effect is reading."""
