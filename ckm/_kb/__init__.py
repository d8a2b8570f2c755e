"""The knowledge base: what an entry is, how a folder of them is read, and how it is checked."""
