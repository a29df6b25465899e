"""Everything that a user reads stands in the catalogue, in both languages, and every key used is there."""

from __future__ import annotations

import ast
import pkgutil
import re
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import conch.core.text as catalogue
from conch.cli import COMMANDS
from conch.config.keys import EXPORT_LATER, LATER, LATER_VALUES, NO_EFFECT, PASSTHROUGH
from conch.config.train import NODES
from conch.core.text import Text, has, tr

SOURCE = Path(catalogue.__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TYPED = (
    *("package_missing", "package_version", "torch_broken", "memory_little", "home_full"),
    *("home_full_move", "network_forbidden"),
)
SAME_IN_CHINESE = {"keys.group.lora", "quickstart.http", *(f"doctor.{name}.fix" for name in TYPED)}
"""Keys of texts that are names, or commands to type. Texts of values and signs only need no word either."""
SIGNS_IN_CHINESE = {"config.problem", "serving.invalid", "cli.bad_value"}
"""What a value should have been is a clause of its own in Chinese, so that nothing stands before it."""
NAMES = {"conch", "M", "GB", "kB", "MB"}
"""Words that are the same in every language."""


def subjects() -> dict[str, dict[str, Text]]:
    names = [module.name for module in pkgutil.iter_modules(catalogue.__path__)]
    modules = {name: import_module(f"{catalogue.__name__}.{name}") for name in names}
    return {name: module.TEXTS for name, module in modules.items() if hasattr(module, "TEXTS")}


SUBJECTS = subjects()
ENTRIES = {key: text for texts in SUBJECTS.values() for key, text in texts.items()}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def spoken(text: str) -> bool:
    """Whether a text holds words, and not only values and signs."""
    return any(re.search(r"[^\W\d_]", part) for part, *_ in string.Formatter().parse(text))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


# the catalogue


@pytest.mark.parametrize("subject", SUBJECTS)
def test_keys_begin_with_the_name_of_their_file(subject: str) -> None:
    assert [key for key in SUBJECTS[subject] if not key.startswith(f"{subject}.")] == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_text_is_there_in_both_languages(subject: str) -> None:
    texts = SUBJECTS[subject]
    assert [key for key, text in texts.items() if not text.en.strip() or not text.zh.strip()] == []
    assert [key for key, text in texts.items() if CHINESE.search(text.en)] == []
    strange = {key for key, text in texts.items() if spoken(text.en) and not CHINESE.search(text.zh)}
    assert strange - SAME_IN_CHINESE - SIGNS_IN_CHINESE == set()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_both_languages_are_filled_in_with_the_same_values(subject: str) -> None:
    texts = SUBJECTS[subject]
    assert [key for key, text in texts.items() if placeholders(text.en) != placeholders(text.zh)] == []
    assert [key for key, text in texts.items() if "" in placeholders(text.en)] == [], "values have names"


def test_no_remedy_stands_alone() -> None:
    assert [key for key in ENTRIES if key.endswith(".fix") and not has(key.removesuffix(".fix"))] == []


def test_the_chinese_texts_use_chinese_punctuation() -> None:
    odd = re.compile(r"[\u4e00-\u9fff][,;?!](\s|$|[\u4e00-\u9fff])")
    listed = re.compile(r"\[[^]]*\]")  # a list as JSON writes it
    assert [key for key, text in ENTRIES.items() if odd.search(listed.sub("", text.zh))] == []


# config keys


@pytest.mark.parametrize("node", NODES)
def test_every_key_and_group_of_the_config_is_explained(node: str) -> None:
    assert has(f"keys.group.{node}")
    assert [field for field in NODES[node].model_fields if not has(f"keys.{field}")] == []


def test_no_explanation_is_of_a_key_that_is_gone() -> None:
    fields = {field for node in NODES.values() for field in node.model_fields}
    explained = {key.split(".")[1] for key in SUBJECTS["keys"]} - {"group"}
    assert explained - fields - set(PASSTHROUGH) == set()


def test_every_reason_why_a_key_is_not_honoured_is_there() -> None:
    reasons = {later.reason for later in [*LATER.values(), *EXPORT_LATER.values()]} | set(NO_EFFECT.values())
    reasons |= {reason for values in LATER_VALUES.values() for reason in values.values()}
    assert [reason for reason in reasons if not has(reason)] == []


# use in the source


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"


def calls(*names: str) -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call of a function or method of one of `names`."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                if name in names:
                    yield path, node, name


def error_classes() -> set[str]:
    """Names of ConchError and of every class below it, wherever it is defined."""
    found = {"ConchError"}
    bases = {
        node.name: {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    while more := {name for name, own in bases.items() if own & found} - found:
        found |= more
    return found


def literals(node: ast.expr | None) -> list[str]:
    """The string literals that an expression may be, where it is that simple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return []


def first(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else None


ERRORS = [(path, call, key) for path, call, _ in calls(*error_classes()) for key in literals(first(call))]
TRANSLATIONS = [(path, call, key) for path, call, _ in calls("tr") for key in literals(first(call))]


def test_the_scan_finds_what_it_looks_for() -> None:
    assert len(ERRORS) > 60
    assert len(TRANSLATIONS) > 60


def test_every_error_is_in_the_catalogue_with_its_remedy() -> None:
    unknown = [f"{place(path, call)} {key}" for path, call, key in ERRORS if not has_key(key)]
    assert unknown == []
    assert sorted({key for _, _, key in ERRORS if not has(f"{key}.fix")}) == []


def has_key(key: str) -> bool:
    return key in ENTRIES


def test_every_text_asked_for_is_in_the_catalogue() -> None:
    assert [f"{place(path, call)} {key}" for path, call, key in TRANSLATIONS if not has_key(key)] == []


def test_texts_asked_for_by_pattern_exist() -> None:
    """`tr(f"cli.plan.{name}")`: some key must fit the pattern."""
    for path, call, _ in calls("tr"):
        if isinstance(pattern := first(call), ast.JoinedStr):
            parts = [v.value if isinstance(v, ast.Constant) else None for v in pattern.values]
            form = re.compile("".join(".+" if part is None else re.escape(str(part)) for part in parts))
            assert any(form.fullmatch(key) for key in ENTRIES), place(path, call)


def spoken_of() -> tuple[set[str], list[re.Pattern[str]]]:
    """Every string in the source outside of the catalogue, and every form of a key that is put together."""
    strings, forms = {f"cli.{name}" for name in COMMANDS}, []
    for path, tree in TREES.items():
        if "text" in path.relative_to(SOURCE).parts:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                parts = [v.value if isinstance(v, ast.Constant) else None for v in node.values]
                form = "".join("[^.]+" if part is None else re.escape(str(part)) for part in parts)
                if str(parts[0]).partition(".")[0] in SUBJECTS and parts != ["cli.", None]:
                    forms.append(re.compile(form))
    return strings, forms


def test_every_text_is_asked_for_somewhere() -> None:
    strings, forms = spoken_of()
    asked = [key for key in ENTRIES if key in strings or any(form.fullmatch(key) for form in forms)]
    remedies = {f"{key}.fix" for key in asked}
    assert sorted(ENTRIES.keys() - asked - remedies) == []


def given(call: ast.Call) -> set[str] | None:
    """The names of a call's values; None where some come as `**mapping`."""
    names = {keyword.arg for keyword in call.keywords}
    return None if None in names else {name for name in names if name}


@pytest.mark.parametrize("kind", ["errors", "translations"])
def test_every_value_of_a_text_is_given(kind: str) -> None:
    lacking = []
    for path, call, key in ERRORS if kind == "errors" else TRANSLATIONS:
        asked = [key, f"{key}.fix"] if kind == "errors" else [key]
        texts = [ENTRIES[name] for name in asked if name in ENTRIES]
        needed = {name for text in texts for name in placeholders(text.en)}
        names = given(call)
        if names is not None and needed - names:
            lacking.append(f"{place(path, call)} {key} lacks {needed - names}")
        if names == set() and any("{{" in text.en for text in texts):
            lacking.append(f"{place(path, call)} {key} would show doubled braces")
    assert lacking == []


# nothing said outside of the catalogue


def words(node: ast.expr) -> list[str]:
    """Words in the literal parts of an expression, format specifications aside."""
    match node:
        case ast.Constant(value=str() as value):
            return [word for word in re.findall(r"[^\W\d_]+", value) if word not in NAMES]
        case ast.JoinedStr():
            return [word for part in node.values for word in words(part)]
        case ast.BinOp():
            return words(node.left) + words(node.right)
        case ast.IfExp():
            return words(node.body) + words(node.orelse)
        case ast.FormattedValue():
            return words(node.value) if isinstance(node.value, (ast.IfExp, ast.JoinedStr)) else []
    return []


SAYING = ("echo", "secho", "say", "whisper", "print", "line", "note", "prompt", "confirm", "warn")
"""Functions and methods whose first argument a person reads."""
SHOWN_COMMANDS = {"curl generate prompt Hello"}
"""Words of command lines that are shown to be copied."""


def test_nothing_is_said_outside_of_the_catalogue() -> None:
    said = []
    for path, call, name in calls(*SAYING):
        argument = first(call)
        if name == "warn" and all(key in ENTRIES for key in literals(argument)):
            continue  # it takes a key of the catalogue
        found = " ".join(words(argument)) if argument is not None else ""
        if found and found not in SHOWN_COMMANDS:
            said.append(f"{place(path, call)} {name}: {found}")
    assert said == []


def test_no_help_is_written_outside_of_the_catalogue() -> None:
    written = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in {"help", "short_help", "epilog"}:
                written += [f"{place(path, node.value)} {word}" for word in words(node.value)]
    assert written == []


def test_commands_have_no_docstring_that_click_would_show() -> None:
    shown = [
        f"{place(path, node)} {node.name}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and ast.get_docstring(node)
        and any(
            isinstance(call := decorator, ast.Call) and getattr(call.func, "attr", "") in {"command", "group"}
            for decorator in node.decorator_list
        )
    ]
    assert shown == []


def test_errors_are_named_by_keys_not_by_sentences() -> None:
    assert [f"{place(path, call)} {key}" for path, call, key in ERRORS if " " in key] == []
    spoken = [
        place(path, call)
        for path, call, _ in calls(*error_classes())
        if isinstance(argument := first(call), (ast.JoinedStr, ast.BinOp)) and words(argument)
    ]
    assert spoken == []


def test_a_text_is_filled_in_in_both_languages() -> None:
    catalogue.set_language("en")
    assert tr("runs.unknown", name="x{y}") == "There is no run 'x{y}'."
    catalogue.set_language("zh")
    assert tr("runs.unknown", name="x{y}") == "没有名为 'x{y}' 的训练。"
