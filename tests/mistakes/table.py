"""Arguments that every operator refuses, and how the refusals begin."""

from __future__ import annotations

from mistakes.given import GIVEN
from mistakes.memory import MEMORY
from mistakes.quantised_gradients import QUANTISED_GRADIENTS
from mistakes.sums import SUMS
from mistakes.written import WRITTEN

MISTAKES = [*GIVEN, *WRITTEN, *MEMORY, *SUMS, *QUANTISED_GRADIENTS]
