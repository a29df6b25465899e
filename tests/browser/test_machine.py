"""The machine as the browser shows it, and what is settled there."""

from __future__ import annotations

from typing import Any

import yaml

from tests.browser.studio import Studio, wait_for


def test_a_key_is_shown_once_and_revoked(page: Any, studio: Studio, picture: Any) -> None:
    page.goto(studio.at("machine"))
    page.wait_for_selector("#keys-list .empty")
    page.fill("#keys-name input, #keys-name textarea", "laptop")
    page.click("#keys-make")
    page.wait_for_selector("#keys-made pre")
    key = page.inner_text("#keys-made pre")
    assert key.startswith("conch-")
    picture(page, "machine-key")
    assert key not in (studio.home / "keys" / "laptop.json").read_text(encoding="utf-8")
    page.reload()
    page.wait_for_selector("#keys-list td:has-text('laptop')")
    assert key not in page.content()
    page.click("#keys-make")
    page.wait_for_selector("text=can't be the name of a key")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#keys-list [data-do=revoke]")
    page.wait_for_selector("#keys-list .empty")
    assert not (studio.home / "keys" / "laptop.json").exists()


def test_what_is_settled_is_what_the_shell_reads(page: Any, studio: Studio) -> None:
    page.goto(studio.at("machine"))
    page.wait_for_selector("#machine-room .meter")
    page.wait_for_selector("#machine-found table")
    settings = studio.home / "settings.yaml"
    page.click("#machine-source input")
    page.click("[role=option]:has-text('modelscope')")
    wait_for(settings.exists, 20, "settings")
    assert yaml.safe_load(settings.read_text(encoding="utf-8"))["model_source"] == "modelscope"
    settings.unlink()
    page.click("#machine-language")
    page.wait_for_selector("#nav-machine:has-text('本机')")
