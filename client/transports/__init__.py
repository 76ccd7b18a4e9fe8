"""One module for each transport whose service fans out itself: it translates our protocol to the service's."""
