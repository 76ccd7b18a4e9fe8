"""A discrete-event simulation in virtual time: our own code against a modelled gateway, tables and stream."""
