"""What is said about runs."""

from conch.core.text.entry import Text

TEXTS = {
    "runs.unknown": Text("There is no run '{name}'.", "没有名为 '{name}' 的训练。"),
    "runs.unknown.fix": Text("`conch runs list` shows all runs.", "`conch runs list` 会列出全部训练。"),
    "runs.ambiguous": Text("'{name}' fits several runs: {ids}.", "'{name}' 对应多个训练：{ids}。"),
    "runs.ambiguous.fix": Text("Write more of the id.", "请写出更完整的编号。"),
    "runs.busy": Text("Run {name} is {state}.", "训练 {name} 的状态是 {state}。"),
    "runs.busy.fix": Text("Stop it first: conch runs stop {name}", "请先停止：conch runs stop {name}"),
    "runs.not_busy": Text(
        "Run {name} is not at work: it is {state}.", "训练 {name} 没有在进行：状态是 {state}。"
    ),
    "runs.not_busy.fix": Text(
        "`conch runs show {name}` tells what happened.", "`conch runs show {name}` 说明发生了什么。"
    ),
    "runs.cannot_create": Text(
        "No run can be made in {folder}: {reason}.", "无法在 {folder} 中建立训练：{reason}。"
    ),
    "runs.cannot_create.fix": Text(
        "Set CONCH_HOME to a folder that you may write to.", "请把 CONCH_HOME 设为有写入权限的文件夹。"
    ),
    "runs.no_checkpoint": Text(
        "Run {name} has no whole checkpoint to go on from.", "训练 {name} 没有可用于继续的完整检查点。"
    ),
    "runs.no_checkpoint.fix": Text("Start it anew: conch train {config}", "请重新开始：conch train {config}"),
    "runs.lost": Text("The worker process of run {name} is gone.", "训练 {name} 的工作进程已不在。"),
    "runs.lost.fix": Text(
        "Look at {log}, then go on from the last checkpoint: conch runs resume {name}",
        "请查看 {log}，然后从最近的检查点继续：conch runs resume {name}",
    ),
}
