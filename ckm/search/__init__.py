"""Search: texts in any script, an index of them, and what matches a query best.

Knows texts, languages, labels and scores; nothing of knowledge entries, files of them or the rest of ckm.
"""
