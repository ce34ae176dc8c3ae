"""Choices that ISO 9613-2 leaves open, shared by the reference method and the kernel."""

from __future__ import annotations

from layers.noise.bands import WAVELENGTHS_M

#: Kinds of ring: walls of a building, of its courtyard, open and closed lines of barriers.
OUTER, COURT, OPEN_LINE, CLOSED_LINE = 0, 1, 2, 3

#: A gap between two walls narrower than this is closed to sound.
PASSAGE_M = 0.01

#: What rises less than this above the plane of a path does not stand in its way: a path along
#: the line where a roof leaves that plane would else be blocked or not by rounding.
TOUCH_M = 1e-6

#: Edges nearer to each other than this count as one (cap of 20 dB, C3 = 1).
SAME_EDGE_M = 0.01

#: ISO/TR 17534-3 clause 5.2: a side path is left out when it lies more than this many times
#: farther off the direct line than the path over the top. Its own case T09 keeps both ends of a
#: single short barrier (15.7 times), so the rule is used for paths round several objects only.
SIDE_OFFSET_FACTOR = 8.0

#: A side path round ever more objects is given up after this many rounds of widening.
MAX_ROUNDS = 48

#: A reflected path starts and ends this far from the wall that reflects it.
REFLECTION_TRIM_M = 1e-3

#: Band of 500 Hz, in which the strength of a path round several objects is judged.
WEAK_SIDE_BAND = 3

#: Metres of detour for each unit of ``10^(0.1 Dz) - 3`` in that band with ``C3`` at its most.
WEAK_SIDE_M = float(WAVELENGTHS_M[WEAK_SIDE_BAND]) / (20.0 * 3.0)
