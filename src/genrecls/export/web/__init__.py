"""A page that hears music with an exported file, in the browser alone."""
