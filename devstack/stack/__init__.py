"""The whole system on this machine: MiniStack, all that terraform/ describes in it, and the site."""
