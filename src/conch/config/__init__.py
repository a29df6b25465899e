"""What a user can ask for: small frozen nodes, one file each. No torch here."""

from conch.config.export import ExportConfig
from conch.config.load import Loaded, load_export, load_train
from conch.config.serve import ServeConfig
from conch.config.train import TrainConfig

__all__ = ["ExportConfig", "Loaded", "ServeConfig", "TrainConfig", "load_export", "load_train"]
