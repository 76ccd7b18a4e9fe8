"""Which broadcast runs where: numbering, handing over to cells, starting, watching, settling. Sends nothing itself."""
