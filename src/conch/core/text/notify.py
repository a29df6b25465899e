"""What people are told when a run has ended, and what is said about telling them."""

from conch.core.text.entry import Text

TEXTS = {
    "notify.finished": Text("Conch: run {name} has finished", "Conch：训练 {name} 已完成"),
    "notify.stopped": Text("Conch: run {name} was stopped", "Conch：训练 {name} 已停止"),
    "notify.failed": Text(
        "Conch: run {name} has failed and needs you", "Conch：训练 {name} 失败，需要您处理"
    ),
    "notify.lost": Text(
        "Conch: run {name} was lost and needs you", "Conch：训练 {name} 意外中断，需要您处理"
    ),
    "notify.lost_no_command": Text(
        "after_command was not run: the machine, if it was to be shut down, is still on.",
        "未执行 after_command：如果原本要关闭机器，它仍在运行。",
    ),
    "notify.paused": Text(
        "Conch: run {name} waits for room on the disk and needs you",
        "Conch：训练 {name} 因磁盘空间不足暂停，需要您处理",
    ),
    "notify.where": Text("On {host}: {output}", "位于 {host}：{output}"),
    "notify.loss": Text("Loss: {value}", "损失：{value}"),
    "notify.eval_loss": Text("Eval loss: {value}", "评估损失：{value}"),
    "notify.unknown": Text(
        "Nobody called '{name}' stands in {file}.", "{file} 中没有名为 '{name}' 的通知对象。"
    ),
    "notify.unknown.fix": Text(
        "Add an entry there (name, then kind and url), or give an address in notify.",
        "请在其中添加一项（名称，以及 kind 与 url），或在 notify 中直接写网址。",
    ),
    "notify.unknown_kind": Text(
        "'{name}' in {file} is of the unknown kind '{kind}'.", "{file} 中 '{name}' 的类型 '{kind}' 无法识别。"
    ),
    "notify.unknown_kind.fix": Text(
        "Use webhook, feishu, dingtalk, wecom or mail.", "可用类型：webhook、feishu、dingtalk、wecom、mail。"
    ),
    "notify.incomplete": Text("'{name}' in {file} lacks: {missing}.", "{file} 中 '{name}' 缺少：{missing}。"),
    "notify.incomplete.fix": Text("Add it there.", "请补充完整。"),
    "notify.unreadable": Text("{file} can't be read: {reason}.", "无法读取 {file}：{reason}。"),
    "notify.unreadable.fix": Text(
        "It must be YAML: names, each with its settings.", "该文件应为 YAML：每个名称下是其设置。"
    ),
    "notify.failed_to_tell": Text("'{name}' could not be told: {reason}", "通知 '{name}' 失败：{reason}"),
    "notify.not_safe": Text(
        "after_command was not run: there are no whole weights in {output}.",
        "未执行 after_command：{output} 中没有完整的权重。",
    ),
    "notify.command_failed": Text(
        "after_command ended with exit code {code}.", "after_command 的退出码为 {code}。"
    ),
}
