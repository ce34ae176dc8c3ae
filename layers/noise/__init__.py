"""Noise outdoors (*rumore*): sound power, propagation by ISO 9613-2, and simple methods.

Physics only: arrays in, arrays out, no database. Start at :mod:`layers.noise.iso9613`.
"""
