"""Tests of the client library and the pages, in Node, in a browser, and beside the Python client."""
