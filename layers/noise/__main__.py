"""Compile the kernel for this machine: ``python -m layers.noise``, part of the set-up."""

from __future__ import annotations

from layers.noise.iso9613 import warm_up

if __name__ == "__main__":
    warm_up()
