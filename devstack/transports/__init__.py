"""The transports of the cells on this machine: what each creates in MiniStack, and its stand-in if it has one."""
