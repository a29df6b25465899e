"""What property tests share: awkward texts, and settings that hold on a slow machine."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

AWKWARD = "ab Z09_-,.:#={}[]<>|/\\'\"\n\r\t\x00\x85\u2028é海螺😀"
"""Letters that trip up formats: quotes, braces, line ends of all kinds, and more than ASCII."""

texts = st.text(AWKWARD, max_size=12)

quick = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
