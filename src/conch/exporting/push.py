"""An export that holds → a repository of a hub. Nothing is sent before it was proved."""

from __future__ import annotations

from pathlib import Path

from conch.core import env
from conch.core.errors import ExportError, first_line


def push(folder: Path, repository: str, token: str | None) -> str:
    """Send `folder` to `repository` (`owner/name`), which is made, private, where there is none.

    Returns its address. Raises ExportError; the folder stays in any case.
    """
    if env.offline():
        raise ExportError("export.push_offline", folder=folder, repository=repository)
    from huggingface_hub import HfApi

    api = HfApi(endpoint=env.hub_endpoint(), token=token)
    try:
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Conch")
    except Exception as error:  # of the client, of its HTTP library, of the disk
        raise ExportError(
            "export.not_pushed", folder=folder, repository=repository, reason=first_line(error)
        ) from error
    return str(address)
