"""The loyalty report as a document in six languages: what changed and why, then what it rests on."""
