"""Bringing other people's files in: read, converted to the metric system, repaired, stored.

A file is opened only when it is of an allowed kind and truly is what its name says. Repairs are
counted, what cannot be used is refused row by row, and importing a file twice changes nothing.
Loaders never commit: the caller's transaction makes an import whole or undone.
"""
