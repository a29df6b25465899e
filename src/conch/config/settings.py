"""What a user has settled once for this machine: `CONCH_HOME/settings.yaml`.

model_source: hf-mirror        # as the config key of that name
download: {stall: 30, tries: 5}  # see conch.models.patience
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from conch.config.model import MODEL_SOURCES
from conch.core import env, hubs
from conch.core.errors import ModelError, UsageError
from conch.core.files import write_whole


def settings_file() -> Path:
    return env.home() / "settings.yaml"


def read_settings() -> dict[str, Any]:
    """Everything that is settled; empty where there is no file. Raises ModelError where it can't be read."""
    file = settings_file()
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError("models.bad_settings", file=file, reason=str(error).splitlines()[0]) from error
    if not isinstance(read, dict | None):
        raise ModelError("models.bad_settings", file=file, reason=type(read).__name__)
    return read or {}


def default_source() -> str:
    """The source that models come from unless one is named."""
    settled = read_settings().get("model_source") or "auto"
    return check_source(str(settled))


def settle_source(source: str) -> None:
    """Make `source` the default from now on. Raises UsageError where there is no such source."""
    settings = {**read_settings(), "model_source": check_source(source)}
    write_whole(settings_file(), yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))


def check_source(source: str) -> str:
    if not hubs.is_setting(source):
        raise UsageError("models.unknown_source", source=source, known=", ".join(MODEL_SOURCES))
    return source
