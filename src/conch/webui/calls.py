"""Ready-made calls of a model that is served, to be copied."""

from __future__ import annotations

import json

KEY = "YOUR_KEY"
UNUSED = "unused"
"""OpenAI's clients want a key also where a server asks for none."""


def calls(url: str, model: str, question: str, *, locked: bool) -> dict[str, str]:
    """Language to text. `locked` servers ask for a key."""
    return {
        "curl": _curl(url, model, question, locked),
        "Python": _python(url, model, question, locked),
        "JavaScript": _javascript(url, model, question, locked),
    }


def _curl(url: str, model: str, question: str, locked: bool) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    data = json.dumps(body, ensure_ascii=False).replace("'", "'\\''")
    header = f" \\\n  -H 'Authorization: Bearer {KEY}'" if locked else ""
    return (
        f"curl {url}/v1/chat/completions{header} \\\n  -H 'Content-Type: application/json' \\\n  -d '{data}'"
    )


def _python(url: str, model: str, question: str, locked: bool) -> str:
    key = KEY if locked else UNUSED
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={_quoted(url)}, api_key={json.dumps(key)})\n"
        "answer = client.chat.completions.create(\n"
        f"    model={_text(model)},\n"
        f'    messages=[{{"role": "user", "content": {_text(question)}}}],\n'
        ")\n"
        "print(answer.choices[0].message.content)"
    )


def _javascript(url: str, model: str, question: str, locked: bool) -> str:
    key = KEY if locked else UNUSED
    return (
        'import OpenAI from "openai";\n\n'
        f"const client = new OpenAI({{ baseURL: {_quoted(url)}, apiKey: {json.dumps(key)} }});\n"
        "const answer = await client.chat.completions.create({\n"
        f"  model: {_text(model)},\n"
        f'  messages: [{{ role: "user", content: {_text(question)} }}],\n'
        "});\n"
        "console.log(answer.choices[0].message.content);"
    )


def _quoted(url: str) -> str:
    return json.dumps(f"{url}/v1")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
