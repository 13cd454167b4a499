"""Prices are whole cents everywhere; only pages show them as money."""


def format_cents(cents: int) -> str:
    return f"€{cents // 100:,}.{cents % 100:02}"
