"""What a run's curve means, in plain words, with the change that would mend it. No torch here."""

from conch.runs.diagnosis.facts import Facts, gather
from conch.runs.diagnosis.finding import Finding
from conch.runs.diagnosis.rules import RULES, judge
from conch.runs.diagnosis.telling import DiagnosingLog, diagnose

__all__ = ["RULES", "DiagnosingLog", "Facts", "Finding", "diagnose", "gather", "judge"]
