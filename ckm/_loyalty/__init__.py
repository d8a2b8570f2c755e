"""The loyalty report as a document in six languages."""
