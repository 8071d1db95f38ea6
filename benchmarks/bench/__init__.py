"""`make bench`: Gatepost, its peers and the limits of the machine, measured in turn by wrk."""
