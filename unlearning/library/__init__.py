"""The fictional library: one TOML of facts and phrasings and one text of prose per book.

Holds no training code.
"""
