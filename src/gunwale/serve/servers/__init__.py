"""One file a server: a plan and a capacity in, the command to run out."""
