"""Full-text search: analysis of texts in any script, an index, and ranking by BM25.

Knows texts, languages, labels and scores; independent of knowledge entries and their files.
"""
