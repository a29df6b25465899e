"""What this machine is like for Conch, and what to mend: findings, each with its remedy. No torch here."""

from conch.models.doctor.checkup import examine
from conch.models.doctor.finding import Finding

__all__ = ["Finding", "examine"]
