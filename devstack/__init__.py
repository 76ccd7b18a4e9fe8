"""The whole AWS system on one machine, and tools for a deployed one."""
