"""What is said about earlier runs: following them up, comparing them, throwing them away."""

from conch.core.text.entry import Text

TEXTS = {
    "history.no_fix": Text(
        "The diagnosis of run {name} suggests no change called '{key}'; it suggests: {known}.",
        "训练 {name} 的诊断中没有名为 '{key}' 的修改建议；现有建议：{known}。",
    ),
    "history.no_fix.fix": Text(
        "`conch runs diagnose {name}` shows what it suggests.", "`conch runs diagnose {name}` 会列出建议。"
    ),
    "history.apply_from": Text("--apply changes the settings of a run.", "--apply 用于修改某个训练的设置。"),
    "history.apply_from.fix": Text("Name the run with --from RUN.", "请用 --from RUN 指定训练。"),
    "history.from_and_file": Text(
        "--from takes the settings of a run, so the file {file} has no place here.",
        "--from 沿用某个训练的设置，不能再给出文件 {file}。",
    ),
    "history.from_and_file.fix": Text(
        "Leave one of the two out; change single settings with key=value.",
        "请只保留其中之一；单项设置可用 key=value 修改。",
    ),
    "history.compare_two": Text("A comparison needs at least two runs.", "对比至少需要两个训练。"),
    "history.compare_two.fix": Text(
        "Name them: conch runs compare RUN RUN", "请写出训练：conch runs compare RUN RUN"
    ),
    "history.not_in_trash": Text("There is no removed run '{name}'.", "回收站中没有训练 '{name}'。"),
    "history.not_in_trash.fix": Text(
        "Removed runs wait in CONCH_HOME/trash/runs until the trash is emptied.",
        "已删除的训练保存在 CONCH_HOME/trash/runs，直到回收站被清空。",
    ),
    "history.ambiguous": Text(
        "'{name}' fits several removed runs: {ids}.", "'{name}' 对应多个已删除的训练：{ids}。"
    ),
    "history.ambiguous.fix": Text("Write more of the id.", "请写出更完整的编号。"),
    "history.place_taken": Text(
        "Run {name} can't come back: {folder} exists.", "训练 {name} 无法恢复：{folder} 已存在。"
    ),
    "history.place_taken.fix": Text("Move that folder away first.", "请先移走该文件夹。"),
}
