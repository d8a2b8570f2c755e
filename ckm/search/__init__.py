"""Full-text search: analysis of texts in any script, an index, and ranking by BM25.

The package works on texts, languages, labels and scores; it does not depend on knowledge entries and their files.
"""
