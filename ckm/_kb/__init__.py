"""The knowledge base: entries, their files, the search index, and lint rules."""
