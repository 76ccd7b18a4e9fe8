"""Tools for a system that runs in an account of AWS: quotas, settings, one goal as a trial, redrive and reset."""
