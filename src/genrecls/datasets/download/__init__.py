"""Archives of published data sets: fetched, checked and unpacked."""
