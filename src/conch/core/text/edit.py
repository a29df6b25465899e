"""What is said about changing single rows of a dataset."""

from conch.core.text.entry import Text

TEXTS = {
    "edit.refused": Text(
        "The row was not kept, since it could not be trained on:", "样本未保存，因为无法用于训练："
    ),
    "edit.refused.fix": Text("Correct it, then save it again.", "请改正后再保存。"),
    "edit.not_ours": Text(
        "The rows of {name} lie in {place}, which Conch does not change.",
        "{name} 的数据位于 {place}，Conch 不会修改该位置的文件。",
    ),
    "edit.not_ours.fix": Text("Make a copy of it and edit that.", "请先生成副本，再编辑副本。"),
    "edit.changed": Text(
        "Row {row} is no longer what it was: somebody else has changed the file.",
        "第 {row} 条已不是原来的内容：文件已被他人修改。",
    ),
    "edit.changed.fix": Text("Open the row again.", "请重新打开该样本。"),
    "edit.busy": Text("Somebody else is changing a file right now.", "其他人正在修改文件。"),
    "edit.busy.fix": Text("Try again in a moment.", "请稍后重试。"),
    "edit.last_row": Text("This is the only row.", "这是唯一的一条样本。"),
    "edit.last_row.fix": Text(
        "Add another one first, or delete the dataset.", "请先添加其他样本，或删除整个数据集。"
    ),
    "edit.broken_file": Text(
        "{file} can't be read to its end, so no row of it can be changed: {reason}",
        "{file} 无法完整读取，因此不能修改其中的样本：{reason}",
    ),
    "edit.broken_file.fix": Text(
        "Mend the file in an editor, then add it again.", "请用编辑器修复文件后重新添加。"
    ),
    "edit.bad_json": Text(
        "Column {column} holds no text but JSON, and this is none (at {place}): {reason}.",
        "{column} 列须为 JSON，而填写的内容不是合法的 JSON（第 {place} 列）：{reason}。",
    ),
    "edit.bad_json.fix": Text(
        "Look there for a missing comma, quote or bracket.", "请检查该处是否缺少逗号、引号或括号。"
    ),
    "edit.bad_line": Text(
        "The line is still not JSON (at column {place}): {reason}.",
        "该行仍不是合法的 JSON（第 {place} 列）：{reason}。",
    ),
    "edit.bad_line.fix": Text(
        "Look there for a missing comma, quote or bracket.", "请检查该处是否缺少逗号、引号或括号。"
    ),
    "edit.no_object": Text("The line is JSON, but it is no row.", "该行是 JSON，但不是一条样本。"),
    "edit.no_object.fix": Text(
        "Write a row as a JSON object: column names with their values, in curly brackets.",
        "请写成 JSON 对象：用花括号括起各列的名称和值。",
    ),
}
