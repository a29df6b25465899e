"""A proved export reaches a hub over its own protocol; what can't be sent stays, and that is said."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conch.config import load_export
from conch.core.errors import ExportError
from conch.exporting import merge
from conch.exporting.merge import export

OID = "0" * 40


class Taking(BaseHTTPRequestHandler):
    """Makes repositories and takes commits whose files come along in the request."""

    def do_POST(self) -> None:
        hub: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.asked.append((self.path.partition("?")[0], self.headers.get("Authorization")))
        if hub.refuses:
            return self.answer({"error": "no"}, 403)
        if self.path.startswith("/api/repos/create"):
            hub.created = json.loads(body)
            return self.answer({"url": f"{hub.url}/me/tuned", "name": "me/tuned"})
        if "/preupload/" in self.path:
            files = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for f in files
            ]
            return self.answer({"files": modes})
        if "/commit/" not in self.path:  # the card is looked over first
            return self.answer({"errors": [], "warnings": []})
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                hub.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        return self.answer({"commitUrl": f"{hub.url}/me/tuned/commit/{OID}", "commitOid": OID})

    def do_GET(self) -> None:
        self.answer({"id": "me/tuned", "sha": OID, "siblings": []})

    def answer(self, document: Any, status: int = 200) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.asked, server.files, server.refuses, server.created = [], {}, False, None
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    server.server_close()


def do(model: Path, to: Path, **settings: object) -> Any:
    values = {"model_name_or_path": str(model), "export_dir": str(to), **settings}
    return export(load_export(values=values).config)


def test_an_export_is_sent_whole_with_its_proof(hub: Any, tiny_folder: Path, tmp_path: Path) -> None:
    report = do(tiny_folder, tmp_path / "out", export_hub_model_id="me/tuned", hf_hub_token="hf_secret")
    assert report.pushed == f"{hub.url}/me/tuned"
    # older clients of the hub say it in the first way, newer ones in the second
    assert hub.created.get("private") is True or hub.created.get("visibility") == "private"
    assert {token for _, token in hub.asked} == {"Bearer hf_secret"}
    sent = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {name: hub.files[name] for name in sent} == sent
    assert "export_proof.json" in hub.files


def test_a_hub_that_refuses_leaves_the_export(hub: Any, tiny_folder: Path, tmp_path: Path) -> None:
    hub.refuses = True
    with pytest.raises(ExportError, match="did not take it") as caught:
        do(tiny_folder, tmp_path / "out", export_hub_model_id="me/tuned")
    assert "hf upload me/tuned" in caught.value.hint
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_nothing_is_sent_of_an_export_that_does_not_hold(
    hub: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge.Proof, "holds", False)
    with pytest.raises(ExportError, match="does not answer"):
        do(tiny_folder, tmp_path / "out", export_hub_model_id="me/tuned")
    assert hub.asked == []


def test_offline_is_told(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExportError, match="HF_HUB_OFFLINE"):
        do(tiny_folder, tmp_path / "out", export_hub_model_id="me/tuned")
