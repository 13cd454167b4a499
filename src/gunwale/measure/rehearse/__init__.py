"""A roll-out rehearsed on this machine, under load, in the order and with the clocks of a platform."""
