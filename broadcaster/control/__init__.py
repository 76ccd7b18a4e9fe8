"""The control of broadcasts: numbering, handing over to cells, starting, watching, settling. Sends nothing itself."""
