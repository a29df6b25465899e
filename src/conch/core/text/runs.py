"""What is said about runs."""

from conch.core.text.entry import Text

TEXTS = {
    # states, as they are shown; files and --json hold the bare word
    "runs.state.queued": Text("queued", "排队中"),
    "runs.state.running": Text("running", "进行中"),
    "runs.state.paused": Text("paused", "暂停中"),
    "runs.state.stopping": Text("stopping", "正在停止"),
    "runs.state.stopped": Text("stopped", "已停止"),
    "runs.state.finished": Text("finished", "已完成"),
    "runs.state.failed": Text("failed", "失败"),
    "runs.state.lost": Text("lost", "失联"),
    "runs.no_checkpoint": Text(
        "Run {name} has no checkpoint '{checkpoint}'.", "训练 {name} 没有检查点 '{checkpoint}'。"
    ),
    "runs.no_checkpoint.fix": Text(
        "It has: {known}. Leave --checkpoint out to take the newest.",
        "已有：{known}。去掉 --checkpoint 则使用最新的检查点。",
    ),
    "runs.unknown": Text("There is no run '{name}'.", "没有名为 '{name}' 的训练。"),
    "runs.unknown.fix": Text("`conch runs list` shows all runs.", "`conch runs list` 会列出全部训练。"),
    "runs.ambiguous": Text("'{name}' fits several runs: {ids}.", "'{name}' 对应多个训练：{ids}。"),
    "runs.ambiguous.fix": Text("Name one of them by its id.", "请用编号指明其中一个。"),
    "runs.busy": Text("Run {name} is {state}.", "训练 {name} 的状态：{state}。"),
    "runs.busy.fix": Text("Stop it first: conch runs stop {name}", "请先停止：conch runs stop {name}"),
    "runs.not_busy": Text("Run {name} is not at work: it is {state}.", "训练 {name} 没有在进行（{state}）。"),
    "runs.not_busy.fix": Text(
        "`conch runs show {name}` tells what happened.", "`conch runs show {name}` 说明发生了什么。"
    ),
    "runs.cannot_create": Text(
        "No run can be made in {folder}: {reason}.", "无法在 {folder} 中建立训练：{reason}。"
    ),
    "runs.cannot_create.fix": Text(
        "Set CONCH_HOME to a folder that you may write to.", "请把 CONCH_HOME 设为有写入权限的文件夹。"
    ),
    "runs.not_waiting": Text(
        "Run {name} does not wait in the queue: it is {state}.", "训练 {name} 没有在排队（{state}）。"
    ),
    "runs.not_waiting.fix": Text(
        "`conch runs list` shows which runs wait.", "`conch runs list` 会显示哪些训练在排队。"
    ),
    "runs.waits": Text(
        "Run {name} waits for {device}: number {position} in line, behind {behind}.",
        "训练 {name} 正在等待 {device}：排第 {position} 位，前面是 {behind}。",
    ),
    "runs.not_saved": Text(
        "Run {name} saved no checkpoint: it is {state}.", "训练 {name} 没有保存检查点（{state}）。"
    ),
    "runs.not_saved.fix": Text(
        "`conch runs show {name}` tells what there is.", "`conch runs show {name}` 会列出已有的内容。"
    ),
    "runs.elsewhere": Text(
        "Run {name} is at work on another machine: {host}.", "训练 {name} 正在另一台机器上进行：{host}。"
    ),
    "runs.elsewhere.fix": Text(
        "Cancel it there, or let it save and stop from here: conch runs stop {name}",
        "请在那台机器上取消，或在此让它保存并停止：conch runs stop {name}",
    ),
    "runs.not_ended": Text(
        "Processes of run {name} can't be ended: {pids}.", "无法结束训练 {name} 的进程：{pids}。"
    ),
    "runs.not_ended.fix": Text(
        "End them as the user who owns them: kill -9 {pids}", "请以进程所有者的身份结束它们：kill -9 {pids}"
    ),
    "runs.is_finished": Text("Run {name} has finished.", "训练 {name} 已经完成。"),
    "runs.is_finished.fix": Text(
        "To train on, say until when: conch runs resume {name} --epochs N",
        "如需继续训练，请指定总轮数：conch runs resume {name} --epochs N",
    ),
    "runs.done_already": Text(
        "Run {name} is asked for {key} {wanted}, and has done {have} already.",
        "训练 {name} 要求 {key} 为 {wanted}，而它已完成 {have}。",
    ),
    "runs.done_already.fix": Text(
        "Ask for more than {have}, or name an earlier --checkpoint.",
        "请指定大于 {have} 的值，或用 --checkpoint 指定更早的检查点。",
    ),
    "runs.changed": Text(
        "Run {name} can't go on as it began, because this has changed:\n{differences}",
        "以下内容已改变，训练 {name} 无法照原样继续：\n{differences}",
    ),
    "runs.changed.fix": Text(
        "Put it back as it was, or accept the change: conch runs resume {name} --force",
        "请恢复原状，或接受改变：conch runs resume {name} --force",
    ),
    "runs.changed.data": Text(
        "data {name}: content {before} then, {now} now", "数据 {name}：内容当时为 {before}，现在为 {now}"
    ),
    "runs.changed.model": Text(
        "model {name}: content {before} then, {now} now", "模型 {name}：内容当时为 {before}，现在为 {now}"
    ),
    "runs.changed.template": Text(
        "template {name}: {before} then, {now} now", "模板 {name}：当时为 {before}，现在为 {now}"
    ),
    "runs.changed.setting": Text("{name}: {before} then, {now} now", "{name}：当时为 {before}，现在为 {now}"),
    "runs.request_reused": Text(
        "The request id '{request}' belongs to run {run}, which has other settings.",
        "请求编号 '{request}' 已用于训练 {run}，而两者的设置不同。",
    ),
    "runs.request_reused.fix": Text(
        "Use a new request id for new settings.", "设置不同时，请使用新的请求编号。"
    ),
    "runs.lost": Text("The worker process of run {name} is gone.", "训练 {name} 的工作进程已不在。"),
    "runs.lost.fix": Text(
        "Look at {log}, then go on from the last checkpoint: conch runs resume {name}",
        "请查看 {log}，然后从最近的检查点继续：conch runs resume {name}",
    ),
    "runs.lost_silent": Text(
        "The worker of run {name} on {host} has not been heard of for {seconds} seconds.",
        "训练 {name} 在 {host} 上的工作进程已有 {seconds} 秒没有消息。",
    ),
    "runs.lost_silent.fix": Text(
        "See whether {host} is up, and look at {log}; then: conch runs resume {name}",
        "请确认 {host} 是否在运行，并查看 {log}；然后：conch runs resume {name}",
    ),
    "runs.lost_restarted": Text(
        "The machine was restarted while run {name} was in hand.", "训练 {name} 进行期间，机器重新启动过。"
    ),
    "runs.lost_restarted.fix": Text(
        "Go on from the last checkpoint: conch runs resume {name}",
        "请从最近的检查点继续：conch runs resume {name}",
    ),
    "runs.lost_memory": Text(
        "The system ended the worker of run {name}, most likely because memory ran out.",
        "训练 {name} 的工作进程被系统结束，很可能是内存不足所致。",
    ),
    "runs.lost_memory.fix": Text(
        "Close other programs or choose a smaller cutoff_len or batch in a new run; "
        "to go on as it was: conch runs resume {name}",
        "请关闭其他程序，或在新的训练中减小 cutoff_len 或批大小；如需照原样继续：conch runs resume {name}",
    ),
    "runs.lost_disk": Text(
        "The worker of run {name} is gone, and the disk of {folder} is full.",
        "训练 {name} 的工作进程已不在，且 {folder} 所在的磁盘已满。",
    ),
    "runs.lost_disk.fix": Text(
        "Make room, then: conch runs resume {name}", "请腾出空间，然后：conch runs resume {name}"
    ),
    "runs.lost_unwritable": Text(
        "The worker of run {name} is gone, and the folder {folder} can't be written.",
        "训练 {name} 的工作进程已不在，且文件夹 {folder} 无法写入。",
    ),
    "runs.lost_unwritable.fix": Text(
        "Correct the permissions, or mount the disk for writing; then: conch runs resume {name}",
        "请修正权限，或以可写方式重新挂载磁盘；然后：conch runs resume {name}",
    ),
    "runs.lost_crashed": Text(
        "The worker of run {name} crashed inside of a library: {reason}.",
        "训练 {name} 的工作进程在某个库中崩溃：{reason}。",
    ),
    "runs.lost_crashed.fix": Text(
        "The place is in {log}. Go on from the last checkpoint: conch runs resume {name}",
        "崩溃位置见 {log}。请从最近的检查点继续：conch runs resume {name}",
    ),
    "runs.lost_killed": Text(
        "The worker of run {name} (process {pid}) was killed from outside.",
        "训练 {name} 的工作进程（{pid}）被外部强制结束。",
    ),
    "runs.lost_killed.fix": Text(
        "Look at {log}, then go on from the last checkpoint: conch runs resume {name}",
        "请查看 {log}，然后从最近的检查点继续：conch runs resume {name}",
    ),
}
