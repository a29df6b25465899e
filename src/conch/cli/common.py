"""Options that commands of several subjects take."""

from __future__ import annotations

import click

from conch.core.text import tr

json_option = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
dataset_dir_option = click.option("--dataset-dir", help=tr("keys.dataset_dir"))
dataset_source_option = click.option("--source", help=tr("cli.data.source"))
