"""The way from each version of the schema to the next; packed with the store."""
