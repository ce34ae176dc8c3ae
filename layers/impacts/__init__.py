"""Impacts (*disagi*): what a phase does to each flat, by kind, with value, unit, band and method.

One pure function per kind turns a scene and a revision into frames; ``store`` alone writes them.
"""
