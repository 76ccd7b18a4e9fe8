"""Takes the pictures of the pages for README and docs."""
