"""The datasets of a config, each opened once: a hub is asked once, and tells once what it has to."""

from __future__ import annotations

from conch.config.data import DataConfig
from conch.core.notice import Notice
from conch.data.reading import Opened, open_dataset
from conch.data.sources import asked_dataset


class Datasets:
    """Opens datasets when they are first asked for. `notices` is what was told on the way."""

    def __init__(self, config: DataConfig) -> None:
        self.config = config
        self.notices: list[Notice] = []
        self._opened: dict[str, Opened] = {}

    def opened(self, name: str) -> Opened:
        """The dataset called `name`. Raises DataError."""
        if name not in self._opened:
            dataset = asked_dataset(name, self.config)
            self._opened[name] = open_dataset(dataset, self.config.default_system, self.notices.append)
        return self._opened[name]
