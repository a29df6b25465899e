"""What the shell says: help, progress, results."""

from conch.core.text.entry import Text

TEXTS = {
    "cli.conch": Text(
        "Conch takes a base language model to a fine-tuned, evaluated, exported and served one.\n\n"
        "Start with `conch quickstart`.",
        "Conch 带您从基座语言模型走到微调、评估、导出并部署好的模型。\n\n请从 `conch quickstart` 开始。",
    ),
    # words of every command
    "cli.usage": Text("Usage: ", "用法："),
    "cli.options_heading": Text("Options", "选项"),
    "cli.commands": Text("Commands", "命令"),
    "cli.options_metavar": Text("[OPTIONS]", "[选项]"),
    "cli.command_metavar": Text("COMMAND [ARGS]...", "命令 [参数]..."),
    "cli.help": Text("Show this help and exit.", "显示本帮助并退出。"),
    "cli.debug": Text("Show the traceback of an error.", "出错时显示完整的调用栈。"),
    "cli.json": Text("Print one JSON document.", "输出一个 JSON 文档。"),
    "cli.json_schema": Text("Print JSON Schema.", "输出 JSON Schema。"),
    "cli.error": Text("Error: {message}", "错误：{message}"),
    "cli.hint": Text("  → {hint}", "  → {hint}"),
    "cli.warning": Text("Note: {message}", "注意：{message}"),
    "cli.interrupted": Text("Interrupted.", "已中断。"),
    "cli.disk": Text("{place} can't be written or read: {reason}.", "无法写入或读取 {place}：{reason}。"),
    "cli.disk.fix": Text(
        "Make room there, or correct the permissions; `conch doctor` looks at the disk of CONCH_HOME.",
        "请在该处腾出空间或修正权限；`conch doctor` 会检查 CONCH_HOME 所在的磁盘。",
    ),
    "cli.unexpected": Text("Conch failed unexpectedly: {kind}: {reason}", "Conch 意外失败：{kind}：{reason}"),
    "cli.unexpected.fix": Text(
        "Run it again with --debug to see the traceback.", "加上 --debug 重新运行可查看完整的调用栈。"
    ),
    "cli.see_help": Text("See `{command} --help`.", "请查看 `{command} --help`。"),
    "cli.did_you_mean": Text(" Did you mean '{word}'?", "您是想写 '{word}' 吗？"),
    "cli.no_option": Text("There is no option {option}.", "没有选项 {option}。"),
    "cli.no_command": Text("There is no command '{word}'.", "没有命令 '{word}'。"),
    "cli.missing": Text("{name} is missing.", "缺少 {name}。"),
    "cli.no_value": Text("{option} needs a value.", "{option} 需要一个值。"),
    "cli.bad_value": Text("{name}: expected {expected}.", "{name}：{expected}。"),
    "cli.comma": Text(", ", "，"),
    "cli.aside": Text("{text} ({aside})", "{text}（{aside}）"),
    "cli.default": Text("default: ", "默认："),
    "cli.required": Text("required", "必填"),
    "cli.colon": Text(":", "："),
    "cli.semicolon": Text("; ", "；"),
    "cli.range.ge": Text("at least {bound}", "不小于 {bound}"),
    "cli.range.gt": Text("more than {bound}", "大于 {bound}"),
    "cli.range.le": Text("at most {bound}", "不大于 {bound}"),
    "cli.range.lt": Text("less than {bound}", "小于 {bound}"),
    "cli.range.between": Text("{low} to {high}", "{low} 到 {high}"),
    "cli.metavar.whole": Text("N", "整数"),
    "cli.metavar.number": Text("NUMBER", "数值"),
    "cli.metavar.text": Text("TEXT", "文本"),
    "cli.metavar.path": Text("PATH", "路径"),
    "cli.metavar.folder": Text("FOLDER", "文件夹"),
    "cli.type.string": Text("text", "文本"),
    "cli.type.integer": Text("whole number", "整数"),
    "cli.type.number": Text("number", "数值"),
    "cli.type.boolean": Text("true or false", "true 或 false"),
    "cli.type.array": Text("list", "列表"),
    "cli.type.object": Text("names and values", "名称与值"),
    "cli.type.any": Text("anything", "任意"),
    "cli.extra": Text("There is nothing to do with '{words}' here.", "这里不接受 '{words}'。"),
    "cli.usage_error": Text("The command can't be read: {reason}", "无法理解该命令：{reason}"),
    # short helps, one a command
    "cli.quickstart": Text(
        "Go the whole way once: fetch, tune, compare, export, serve.",
        "完整走一遍：获取、微调、对比、导出、部署。",
    ),
    "cli.train": Text(
        "Fine-tune a model.\n\n"
        "Settings come from a YAML or JSON file, from key=value or --key value words, or both; "
        "`conch options train` lists them.",
        "微调模型。\n\n设置来自 YAML 或 JSON 文件、key=value 或 --key value 形式的参数，或两者兼有；"
        "`conch options train` 会列出全部配置项。",
    ),
    "cli.runs": Text("Everything about runs, whoever started them.", "管理所有训练。"),
    "cli.models": Text("Base models on this machine.", "管理本机的基座模型。"),
    "cli.data": Text("Datasets, and what they become.", "管理数据集，并查看其训练形式。"),
    "cli.chat": Text("Chat with a model in the terminal.", "在终端中与模型对话。"),
    "cli.predict": Text(
        "Answer every row of a dataset and score the answers.\n\nCONFIG.yaml holds the keys of a training: model, "
        "adapter, eval_dataset (or dataset), template, max_new_tokens, output_dir. A prediction that was killed "
        "goes on where it stood.",
        "对数据集逐条预测并评分。\n\nCONFIG.yaml 使用与训练相同的配置项：模型、适配器、eval_dataset（或 dataset）、template、"
        "max_new_tokens、output_dir。中断的预测会从停下的地方继续。",
    ),
    "cli.export.push": Text(
        "Send the proved export to this repository of the hub (made private where there is none).",
        "导出通过验证后上传到模型站点的该仓库（不存在时新建为私有仓库）。",
    ),
    "cli.export.pushed": Text("Sent to {address}", "已上传到 {address}"),
    "cli.evaluate": Text(
        "Score one model.\n\n--tasks runs public benchmarks by lm-eval, asked of a server that `conch serve` runs for the "
        "occasion; --dataset tells the loss of every row; without either, 170 general questions are asked.",
        "给一个模型评分。\n\n--tasks 通过 lm-eval 运行公开评测，由临时启动的 `conch serve` 作答；--dataset 给出每条数据的损失；"
        "都未给出时使用 170 道通用小测。",
    ),
    "cli.evaluate.tasks": Text("Tasks of lm-eval, with commas.", "lm-eval 的任务名，用逗号隔开。"),
    "cli.evaluate.task_dir": Text("A folder with tasks of your own.", "存放自定义任务的文件夹。"),
    "cli.evaluate.limit": Text("So many rows of each task or dataset.", "每个任务或数据集最多使用的条数。"),
    "cli.evaluate.shots": Text("Examples before each question.", "每题前给出的示例数。"),
    "cli.evaluate.as_chat": Text("Ask in the chat template.", "用对话模板提问。"),
    "cli.evaluate.dataset": Text(
        "Datasets with answers: the loss of each row.", "带答案的数据集，逐条计算损失。"
    ),
    "cli.evaluate.to": Text("A JSON file for all of it.", "写出全部结果的 JSON 文件。"),
    "cli.compare": Text(
        "Ask two models the same and tell which answers got worse.\n\nA and B are anything that names a model: a run, a "
        "checkpoint, an export, a hub id. With one name, its base is A. Rows come from --prompts or --dataset; unless "
        "either is given, from a general examination of 170 short questions that shows what was forgotten.",
        "用相同问题对比两个模型，并指出哪些回答变差了。\n\nA 和 B 可以是任何模型：训练、检查点、导出的模型、模型站点上的名称。"
        "只给一个时，与其基座模型对比。数据来自 --prompts 或 --dataset；都未给出时使用 170 道通用小测，检查是否遗忘。",
    ),
    "cli.compare.prompts": Text(
        "A text file, a prompt a line, or a JSON list.", "每行一个提示的文本文件，或 JSON 列表。"
    ),
    "cli.compare.dataset": Text("Datasets with answers, as in a config.", "带答案的数据集，写法与配置相同。"),
    "cli.compare.max_samples": Text("Use so many rows at most.", "最多使用的条数。"),
    "cli.compare.max_new_tokens": Text(
        "Tokens of an answer at most; 256, or 48 in the examination.",
        "回答最多的词元数；默认 256，通用小测为 48。",
    ),
    "cli.compare.metric": Text("What rows with answers are scored by.", "带答案的数据按什么评分。"),
    "cli.compare.engine": Text("What computes the answers.", "用什么引擎计算回答。"),
    "cli.compare.judge": Text("An OpenAI-compatible address that judges.", "作为评判的 OpenAI 兼容地址。"),
    "cli.compare.judge_model": Text("The judge's model.", "评判模型的名称。"),
    "cli.compare.to": Text(
        "A folder for report.html, comparison.json and pairs for blind reading.",
        "存放 report.html、comparison.json 与盲评数据的文件夹。",
    ),
    "cli.compare.seed": Text("For the order of blind reading.", "盲评顺序的随机种子。"),
    "cli.export": Text(
        "Merge a tuned model and prove that it answers as before.", "合并微调后的模型，并验证其回答一致。"
    ),
    "cli.keys": Text("Keys of the HTTP API: create, list, revoke.", "HTTP 接口密钥：创建、列出、吊销。"),
    "cli.serve": Text(
        "Serve a model over HTTP, or what a config file names: its keys are the options below, and those "
        "of LLaMA-Factory's inference files are understood. An option given goes before the file.",
        "以 HTTP 接口部署模型，也可给出配置文件：键名与下列选项相同，并兼容 LLaMA-Factory 的推理配置。"
        "命令行选项优先于文件。",
    ),
    "cli.ui": Text(
        "Open the studio: everything in the browser, and the API beside it.",
        "打开工作台：在浏览器中完成全部操作，并在同一端口提供接口。",
    ),
    "cli.doctor": Text(
        "Test this machine and say what to fix.\n\nIt goes to no other machine unless --network asks for it. "
        "Exit code 1: something must be fixed.",
        "检查本机并说明需要修复的问题。\n\n除非指定 --network，否则不会联网。退出码 1：有需要修复的问题。",
    ),
    "cli.doctor.network": Text("Ask the hubs, too, whether they answer.", "同时检查能否连上模型站。"),
    "cli.options": Text("List every setting with its meaning.", "列出全部配置项及其含义。"),
    "cli.version": Text("Print the version.", "显示版本。"),
    # train
    "cli.train.detach_help": Text("Start it and return at once.", "启动后立即返回。"),
    "cli.train.dry_run_help": Text(
        "Show the settings, where they came from, and the plan; train nothing.",
        "显示设置、来源与训练计划，不开始训练。",
    ),
    "cli.train.request_id_help": Text(
        "A name for this request: repeating it starts nothing and gives the same run.",
        "本次请求的编号：重复提交不会再次启动，而是返回同一个训练。",
    ),
    "cli.train.from_help": Text(
        "Take the settings of this run; KEY=VALUE words change them.",
        "沿用该训练的设置；KEY=VALUE 可逐项修改。",
    ),
    "cli.train.apply_help": Text(
        "With --from: apply a change that `conch runs diagnose RUN` suggests, by its key; `fix` is the first. "
        "May be given again.",
        "与 --from 合用：采用 `conch runs diagnose RUN` 给出的建议（写其名称，fix 表示第一条），可多次使用。",
    ),
    "cli.train.from": Text("As run {run}, except:", "与训练 {run} 相同，除了："),
    "cli.train.changed": Text("  {key}: {before} → {after}", "  {key}：{before} → {after}"),
    "cli.train.unchanged": Text("  nothing", "  没有改动"),
    "cli.train.run": Text("Run {run}  ({folder})", "训练 {run}（{folder}）"),
    "cli.train.started": Text(
        "Run {run} has started. Watch it: conch runs follow {run}; stop it: conch runs stop {run}",
        "训练 {run} 已启动。查看进度：conch runs follow {run}；停止：conch runs stop {run}",
    ),
    "cli.train.resumed": Text("Going on from {checkpoint}", "从 {checkpoint} 继续"),
    "cli.train.locating": Text("Looking for the model …", "正在查找模型 …"),
    "cli.train.loading": Text("Loading the model …", "正在加载模型 …"),
    "cli.train.took": Text("  took {seconds} s", "  用时 {seconds} 秒"),
    "cli.train.first_step": Text("the first step …", "第一步 …"),
    "cli.train.evaluating": Text("evaluating …", "正在评估 …"),
    "cli.train.best": Text("Lowest eval loss {loss}, at step {step}", "最低评估损失 {loss}，在第 {step} 步"),
    "cli.train.tokenising": Text("Tokenising the data …", "正在对数据分词 …"),
    "cli.train.saving": Text("Saving …", "正在保存 …"),
    "cli.train.data": Text(
        "Data: {train_rows} rows to train on, {eval_rows} to evaluate on; {tokens} tokens, {trained_tokens} of them "
        "trained; longest row {longest}; {truncated_rows} truncated",
        "数据：训练 {train_rows} 条，评估 {eval_rows} 条；共 {tokens} 个词元，其中 {trained_tokens} 个参与训练；"
        "最长 {longest}；截断 {truncated_rows} 条",
    ),
    "cli.train.training": Text(
        "Training {trainable_parameters} parameters on {device} in {dtype}: {reason}",
        "在 {device} 上以 {dtype} 训练 {trainable_parameters} 个参数：{reason}",
    ),
    "cli.train.step": Text("step {step}/{total}  {words}", "第 {step}/{total} 步  {words}"),
    "cli.train.loss": Text("loss", "损失"),
    "cli.train.eval": Text("eval", "评估损失"),
    "cli.train.speed": Text("{speed} tokens/s", "{speed} 词元/秒"),
    "cli.train.left": Text("{time} left", "剩余 {time}"),
    "cli.train.checkpoint": Text("Checkpoint at step {step}: {path}", "第 {step} 步的检查点：{path}"),
    "cli.train.removed": Text("Removed to stay within {key}: {path}", "为不超出 {key} 已删除：{path}"),
    "cli.train.continued": Text(
        "There is room again: {what} is written, the run goes on after {time}.",
        "空间已恢复：{what} 已写入，暂停 {time} 后继续训练。",
    ),
    "cli.train.sample": Text("step {step}  {prompt} → {answer}", "第 {step} 步  {prompt} → {answer}"),
    "cli.train.finished": Text(
        "Finished in {time}: {tokens} tokens at {speed} tokens/s, loss {loss}, eval loss {eval_loss}",
        "完成，用时 {time}：{tokens} 个词元，{speed} 词元/秒，损失 {loss}，评估损失 {eval_loss}",
    ),
    "cli.train.predicting": Text("Predicting", "正在预测"),
    "cli.train.predicted": Text(
        "{rows} rows answered, {again} of them in an earlier attempt: {folder}",
        "已预测 {rows} 条，其中 {again} 条来自上次：{folder}",
    ),
    "cli.train.predicted_next": Text("Answers and scores: {output}", "回答与得分：{output}"),
    "cli.train.stopped": Text(
        "Stopped at step {step}; saved: {checkpoint}", "已在第 {step} 步停止；已保存：{checkpoint}"
    ),
    "cli.train.stopped_bare": Text(
        "Stopped at step {step}; nothing is saved.", "已在第 {step} 步停止；没有已保存的检查点。"
    ),
    "cli.train.ctrl_c": Text(
        "The run goes on by itself. [d]etach from it, [s]top and save it (or Ctrl-C again), [x] cancel it without "
        "saving, or [c]ontinue watching [d]: ",
        "训练会自行继续。d：离开；s：保存并停止（或再按一次 Ctrl-C）；x：不保存，直接取消；c：继续查看 [d]：",
    ),
    "cli.train.ctrl_c_stopping": Text(
        "The run is stopping: it saves after the step in hand. [d]etach from it (or Ctrl-C again), [x] cancel it "
        "without saving, or [c]ontinue watching [d]: ",
        "训练正在停止：当前步骤完成后会保存。d：离开（或再按一次 Ctrl-C）；x：不保存，直接取消；c：继续查看 [d]：",
    ),
    "cli.train.detached_stopping": Text(
        "Run {run} saves after the step in hand and stops. See what it kept: conch runs show {run}",
        "训练 {run} 将在当前步骤完成后保存并停止。查看保存的内容：conch runs show {run}",
    ),
    "cli.train.stopping": Text("Stopping after the step in hand …", "将在当前步骤完成后停止 …"),
    "cli.train.detached": Text(
        "Run {run} goes on. Watch it: conch runs follow {run}; stop it: conch runs stop {run}",
        "训练 {run} 仍在继续。查看进度：conch runs follow {run}；停止：conch runs stop {run}",
    ),
    "cli.train.next": Text(
        "Output: {output}\nTry it:    conch chat {run}\nExport it: conch export {run} --to my-model\n"
        "Serve it:  conch serve {run}",
        "输出：{output}\n试用：conch chat {run}\n导出：conch export {run} --to my-model\n部署：conch serve {run}",
    ),
    # plan
    "cli.plan.hidden": Text(
        "Left out: what is unset or off. --json shows every setting, `conch options train` explains them.",
        "未列出的设置均为未设置或关闭。--json 会列出全部设置，`conch options train` 有各项说明。",
    ),
    "cli.plan.predicts": Text(
        "Nothing is trained: the rows are answered and the answers scored (do_predict).",
        "不训练，只对数据生成回答并评分（do_predict）。",
    ),
    "cli.plan.twice_rank": Text("twice lora_rank", "lora_rank 的两倍"),
    "cli.plan.follows": Text("follows from val_size and eval_dataset", "由 val_size 和 eval_dataset 决定"),
    "cli.plan.plan": Text("Plan", "计划"),
    "cli.plan.rows": Text("Rows", "数据"),
    "cli.plan.rows_value": Text(
        "{train} to train on, {eval} to evaluate on, {cut} truncated",
        "训练 {train} 条，评估 {eval} 条，截断 {cut} 条",
    ),
    "cli.plan.rows_packed": Text("{rows}, packed into {packed}", "{rows}，打包为 {packed} 个序列"),
    "cli.plan.rows_streamed": Text(
        "read while training, {eval} to evaluate on", "边训练边读取，评估 {eval} 条"
    ),
    "cli.plan.tokens_streamed": Text("not known before they are read", "读取前无法得知"),
    "cli.plan.tokens": Text("Tokens an epoch", "每轮词元"),
    "cli.plan.tokens_value": Text(
        "{tokens}, {trained} of them trained", "{tokens}，其中 {trained} 个参与训练"
    ),
    "cli.plan.steps": Text("Steps", "步数"),
    "cli.plan.steps_value": Text(
        "{steps}: {epochs} epochs, {batch} rows a step", "{steps}：{epochs} 轮，每步 {batch} 条"
    ),
    "cli.plan.parameters": Text("Trained parameters", "可训练参数"),
    "cli.plan.parameters_value": Text(
        "{trainable} ({share} % of the model)", "{trainable}（占模型的 {share}%）"
    ),
    "cli.plan.precision": Text("Number format", "数值格式"),
    "cli.plan.precision_value": Text("{dtype}: {reason}", "{dtype}：{reason}"),
    "cli.plan.memory": Text("Memory, about", "内存（估计）"),
    "cli.plan.memory_value": Text("{total} ({parts})", "{total}（{parts}）"),
    "cli.plan.memory.weights": Text("weights", "权重"),
    "cli.plan.memory.gradients": Text("gradients", "梯度"),
    "cli.plan.memory.optimizer": Text("optimiser", "优化器"),
    "cli.plan.memory.activations": Text("activations", "激活值"),
    "cli.plan.memory.logits": Text("logits", "输出层"),
    "cli.plan.memory.runtime": Text("libraries", "运行库"),
    # runs
    "cli.runs.list": Text("List all runs, newest first.", "列出全部训练，最新的在前。"),
    "cli.runs.show": Text("Show one run.", "查看一个训练。"),
    "cli.runs.logs": Text("Print the end of a run's log.", "显示训练日志的末尾。"),
    "cli.runs.lines": Text("How many lines.", "行数。"),
    "cli.runs.follow": Text("Watch a run until it ends.", "查看训练进度直到结束。"),
    "cli.runs.stop": Text("Save a checkpoint and stop.", "保存检查点并停止。"),
    "cli.runs.cancel": Text("End a run now, without saving.", "立即结束训练，不保存。"),
    "cli.runs.save": Text("Save a checkpoint now and go on.", "立即保存检查点并继续训练。"),
    "cli.runs.resume": Text("Go on from a checkpoint.", "从检查点继续。"),
    "cli.runs.epochs": Text("Train until so many epochs in all.", "训练到总共这么多轮为止。"),
    "cli.runs.max_steps": Text("Train until so many steps in all.", "训练到总共这么多步为止。"),
    "cli.runs.force": Text(
        "Go on although data, template or settings have changed.", "即使数据、模板或设置已改变也继续。"
    ),
    "cli.runs.move": Text("Change a waiting run's place in the queue.", "调整排队中训练的次序。"),
    "cli.runs.first": Text("To the head of the queue.", "移到队首。"),
    "cli.runs.before": Text("Before this waiting run.", "移到这个排队中的训练之前。"),
    "cli.runs.last": Text("To the end of the queue.", "移到队尾。"),
    "cli.runs.move_where": Text("Where to is not said, or said twice.", "没有指定目标位置，或指定了多个。"),
    "cli.runs.move_where.fix": Text(
        "Give one of --first, --before RUN and --last.", "请从 --first、--before RUN、--last 中选择一个。"
    ),
    "cli.runs.moved": Text("Run {run}: {place}", "训练 {run}：{place}"),
    "cli.runs.waits": Text(
        "waits for {device}, number {position} in line", "等待 {device}，排第 {position} 位"
    ),
    "cli.runs.waits_behind": Text(
        "waits for {device}, number {position} in line, behind {behind}",
        "等待 {device}，排第 {position} 位，前面是 {behind}",
    ),
    "cli.runs.will_leave": Text(
        "Run {run} has not begun; it leaves the queue.", "训练 {run} 尚未开始，将退出队列。"
    ),
    "cli.runs.will_stop": Text(
        "Run {run} (step {step} of {total}) will save after the step in hand and stop …",
        "训练 {run}（第 {step}/{total} 步）将在当前步骤完成后保存并停止 …",
    ),
    "cli.runs.will_save": Text(
        "Run {run} (step {step} of {total}) will save after the step in hand and go on …",
        "训练 {run}（第 {step}/{total} 步）将在当前步骤完成后保存并继续 …",
    ),
    "cli.runs.will_cancel": Text(
        "Run {run} (step {step} of {total}) is being ended now; what was trained since {checkpoint} is lost …",
        "正在结束训练 {run}（第 {step}/{total} 步）；{checkpoint} 之后的进度不会保留 …",
    ),
    "cli.runs.will_cancel_bare": Text(
        "Run {run} (step {step} of {total}) is being ended now; it has no checkpoint, so nothing is kept …",
        "正在结束训练 {run}（第 {step}/{total} 步）；它还没有检查点，进度不会保留 …",
    ),
    "cli.runs.cancelled": Text(
        "Run {run} has ended; processes that had to be ended: {count}; left: none.",
        "训练 {run} 已结束：共结束 {count} 个进程，没有残留。",
    ),
    "cli.runs.to_resume": Text("To go on: conch runs resume {run}", "如需继续：conch runs resume {run}"),
    "cli.runs.to_try": Text(
        "To try what it has learnt so far: conch chat {checkpoint}",
        "试用目前的结果：conch chat {checkpoint}",
    ),
    "cli.runs.queued": Text(
        "Run {run} is in the queue. Watch it: conch runs follow {run}",
        "训练 {run} 已加入队列。查看进度：conch runs follow {run}",
    ),
    "cli.runs.beginning": Text(
        "Run {run} has no whole checkpoint; it begins anew.", "训练 {run} 没有完整的检查点，将从头开始。"
    ),
    "cli.runs.changing": Text("{key}: {now} instead of {before}", "{key}：由 {before} 改为 {now}"),
    "cli.runs.in_spite": Text(
        "Going on although this has changed:\n{differences}", "以下内容已改变，仍将继续：\n{differences}"
    ),
    "cli.runs.checkpoint": Text(
        "The checkpoint folder; the newest whole one unless given.",
        "检查点文件夹；默认使用最新的完整检查点。",
    ),
    "cli.runs.remove": Text("Move a run that has ended to the trash.", "把已结束的训练移到回收站。"),
    "cli.runs.not_exact": Text("'{name}' is not the whole id of a run.", "'{name}' 不是完整的训练编号。"),
    "cli.runs.not_exact.fix": Text(
        "If run {run} is meant, name it so.", "如果要删除的是训练 {run}，请写出完整编号。"
    ),
    "cli.runs.diagnose": Text(
        "Say what a run's curve means and what to change.", "说明训练曲线的含义，并给出修改建议。"
    ),
    "cli.runs.nothing_wrong": Text(
        "Nothing in the figures of run {run} looks wrong.", "训练 {run} 的各项数据没有发现问题。"
    ),
    "cli.runs.confidence.high": Text("sure", "把握很大"),
    "cli.runs.confidence.medium": Text("likely", "很可能"),
    "cli.runs.confidence.low": Text("perhaps", "也许"),
    "cli.runs.apply": Text(
        "  Try it: conch train --from {run} --apply {key}", "  试一试：conch train --from {run} --apply {key}"
    ),
    "cli.runs.none": Text(
        "No runs yet. Start one: conch quickstart", "还没有训练。请从 conch quickstart 开始。"
    ),
    "cli.runs.column.run": Text("RUN", "编号"),
    "cli.runs.column.state": Text("STATE", "状态"),
    "cli.runs.column.steps": Text("STEPS", "步数"),
    "cli.runs.column.loss": Text("LOSS", "损失"),
    "cli.runs.column.eval": Text("EVAL", "评估损失"),
    "cli.runs.column.name": Text("NAME", "名称"),
    "cli.runs.resuming": Text(
        "Run {run} goes on from {checkpoint} (step {step})", "训练 {run} 从 {checkpoint}（第 {step} 步）继续"
    ),
    "cli.runs.removed": Text(
        "Removed run {run}. Bring it back: conch runs restore {run}",
        "已删除训练 {run}。恢复：conch runs restore {run}",
    ),
    "cli.runs.restore": Text("Bring a removed run back.", "恢复已删除的训练。"),
    "cli.runs.restored": Text("Run {run} is back.", "训练 {run} 已恢复。"),
    "cli.runs.empty_trash": Text("Delete all removed runs for good.", "彻底清除所有已删除的训练。"),
    "cli.runs.emptied": Text(
        "Deleted {count} runs for good: {size}.", "已彻底清除 {count} 个训练，共 {size}。"
    ),
    "cli.runs.compare": Text(
        "Compare runs: settings that differ, figures, curves.", "对比多个训练：不同的设置、各项指标与曲线。"
    ),
    "cli.runs.png": Text("Draw the loss curves into this file.", "把损失曲线画到该文件。"),
    "cli.runs.same_settings": Text("All settings are the same.", "所有设置都相同。"),
    "cli.runs.drawn": Text("Curves: {file}", "曲线图：{file}"),
    "cli.runs.metric.steps": Text("Steps", "步数"),
    "cli.runs.metric.epoch": Text("Epochs done", "已完成轮数"),
    "cli.runs.metric.eval_losses": Text("Eval loss of each dataset", "各数据集的评估损失"),
    "cli.runs.metric.learning_rate": Text("Learning rate", "学习率"),
    "cli.runs.metric.grad_norm": Text("Gradient norm", "梯度范数"),
    "cli.runs.metric.loss": Text("Loss", "损失"),
    "cli.runs.metric.best_loss": Text("Lowest loss", "最低损失"),
    "cli.runs.metric.eval_loss": Text("Eval loss", "评估损失"),
    "cli.runs.metric.best_eval_loss": Text("Lowest eval loss", "最低评估损失"),
    "cli.runs.metric.best_eval_step": Text("  at step", "  所在步"),
    "cli.runs.metric.tokens": Text("Tokens", "词元"),
    "cli.runs.metric.tokens_per_second": Text("Tokens/s", "词元/秒"),
    "cli.runs.metric.train_seconds": Text("Time", "用时"),
    "cli.runs.metric.memory_bytes": Text("Memory", "内存"),
    "cli.runs.in_state": Text(
        "Only runs in this state.",
        "只列出处于该状态的训练：queued 排队中，running 进行中，paused 暂停中，stopping 正在停止，stopped 已停止，"
        "finished 已完成，failed 失败，lost 失联。",
    ),
    "cli.runs.named": Text(
        "Only runs with this in their name or id.", "只列出名称或编号中含有该文字的训练。"
    ),
    "cli.runs.since": Text("Only runs made in the last DAYS days.", "只列出最近若干天内建立的训练。"),
    "cli.runs.limit": Text("At most this many.", "最多列出多少个。"),
    "cli.runs.no_log": Text(
        "The worker of run {run} printed nothing. What happened in it: conch runs follow {run}",
        "训练 {run} 的工作进程没有输出任何内容。查看训练过程：conch runs follow {run}",
    ),
    "cli.runs.samples": Text(
        "Show what the model answered to sample_prompts as training went on.",
        "显示训练过程中模型对 sample_prompts 的回答。",
    ),
    "cli.runs.no_samples": Text(
        "Run {run} has no samples; it gets some with sample_prompts.",
        "训练 {run} 没有示例回答；设置 sample_prompts 后才会生成。",
    ),
    "cli.runs.sample_prompt": Text("Prompt: {prompt}", "提示：{prompt}"),
    "cli.runs.sample_answer": Text("  step {step}: {answer}", "  第 {step} 步：{answer}"),
    "cli.runs.none_fits": Text("No run fits.", "没有符合条件的训练。"),
    "cli.runs.now": Text("Run {run} is {state}.", "训练 {run} 的状态：{state}。"),
    "cli.runs.id": Text("Run", "编号"),
    "cli.runs.name": Text("Name", "名称"),
    "cli.runs.state": Text("State", "状态"),
    "cli.runs.created": Text("Created", "创建时间"),
    "cli.runs.started": Text("Started", "开始时间"),
    "cli.runs.ended": Text("Ended", "结束时间"),
    "cli.runs.progress": Text("Steps", "步数"),
    "cli.runs.left": Text("Time left", "剩余时间"),
    "cli.runs.output": Text("Output", "输出"),
    "cli.runs.checkpoints": Text("Checkpoints", "检查点"),
    # models
    "cli.models.pull": Text("Fetch a model and print its folder.", "获取模型并显示其文件夹。"),
    "cli.models.revision": Text("Branch, tag or commit on the hub.", "模型站点上的分支、标签或提交。"),
    "cli.models.path": Text("Print a model's folder.", "显示模型所在的文件夹。"),
    "cli.models.search": Text(
        "Find models on the hubs by words of their names.", "按关键词在模型站点上搜索模型。"
    ),
    "cli.models.nothing_found": Text(
        "{source} has no model with these words.", "{source} 上没有符合条件的模型。"
    ),
    "cli.models.found_foot": Text(
        "The most downloaded of {source}. `conch models info NAME` tells what fits this machine.",
        "{source} 上下载量最高的模型。`conch models info 名称` 可查看本机能否运行。",
    ),
    "cli.models.list": Text(
        "List the models on this machine, in the hubs' caches too, and what fits here.",
        "列出本机的模型（包括各站点缓存中的），以及本机能训练哪些。",
    ),
    "cli.models.info": Text(
        "Show one model in detail, on this machine or still on a hub.",
        "查看一个模型的详情，本机上的或站点上尚未下载的均可。",
    ),
    "cli.models.source": Text(
        "Show where models are downloaded from, or settle it.\n\n"
        "SOURCE is auto, huggingface, hf-mirror, modelscope or the URL of a mirror; several with commas are tried "
        "in turn.",
        "查看或设定模型的下载来源。\n\nSOURCE 可为 auto、huggingface、hf-mirror、modelscope 或镜像站的 URL；"
        "多个以逗号分隔并依次尝试。",
    ),
    "cli.models.source_now": Text("Models come from: {source}", "模型下载来源：{source}"),
    "cli.data.fetching": Text("Getting {place} …", "正在获取 {place} …"),
    "cli.data.source": Text(
        "Where to fetch what lies on a hub: auto, huggingface, hf-mirror, modelscope or the URL of a mirror.",
        "从哪里下载站点上的数据集和模型：auto、huggingface、hf-mirror、modelscope 或镜像站的 URL。",
    ),
    "cli.models.source_option": Text(
        "auto, huggingface, hf-mirror, modelscope or the URL of a mirror.",
        "auto、huggingface、hf-mirror、modelscope 或镜像站的 URL。",
    ),
    "cli.models.check": Text(
        "Compare what is at hand with the hub's list, and fetch again what differs.",
        "将本机已有的文件与站点清单逐一校验，不符的重新下载。",
    ),
    "cli.models.yes": Text("Don't ask.", "不再询问。"),
    "cli.models.say_yes": Text(
        "A program can't be asked whether it is sure.", "以 JSON 输出时无法询问确认。"
    ),
    "cli.models.say_yes.fix": Text("Add --yes.", "请加上 --yes。"),
    "cli.models.listed": Text(
        "{files} files, {size} ({at_hand} of it at hand) → {folder}",
        "{files} 个文件，共 {size}（已有 {at_hand}）→ {folder}",
    ),
    "cli.models.progress": Text(
        "{done} of {total}, {speed}/s, {left} left", "{done} / {total}，{speed}/秒，剩余 {left}"
    ),
    "cli.models.all_files": Text("all files", "全部文件"),
    "cli.models.pulled": Text("Fetched {size} in {time}.", "已下载 {size}，用时 {time}。"),
    "cli.models.resumable": Text(
        "What has arrived is kept. Go on with: conch models pull {name}",
        "已下载的部分会保留。继续下载：conch models pull {name}",
    ),
    "cli.models.not_compared": Text(
        "It was here already and was not compared with the hub. To look for a newer version: "
        "conch models pull {name} --check",
        "本机已有该模型，未与站点比对。如需检查更新：conch models pull {name} --check",
    ),
    "cli.models.column.downloads": Text("downloads", "下载量"),
    "cli.models.column.likes": Text("likes", "点赞"),
    "cli.models.column.name": Text("NAME", "名称"),
    "cli.models.column.source": Text("SOURCE", "来源"),
    "cli.models.column.architecture": Text("ARCHITECTURE", "结构"),
    "cli.models.column.parameters": Text("PARAMS", "参数量"),
    "cli.models.column.dtype": Text("FORMAT", "数值格式"),
    "cli.models.column.size": Text("SIZE", "大小"),
    "cli.models.column.template": Text("TEMPLATE", "对话模板"),
    "cli.models.column.fits": Text("FITS HERE", "本机可训练"),
    "cli.models.fact.name": Text("Name", "名称"),
    "cli.models.fact.source": Text("Source", "来源"),
    "cli.models.fact.architecture": Text("Architecture", "结构"),
    "cli.models.fact.parameters": Text("Parameters", "参数量"),
    "cli.models.fact.dtype": Text("Number format", "数值格式"),
    "cli.models.fact.size": Text("Size", "大小"),
    "cli.models.fact.template": Text("Chat template", "对话模板"),
    "cli.models.fact.folder": Text("Folder", "位置"),
    "cli.models.fact.problem": Text("Problem", "问题"),
    "cli.models.template_own": Text("own", "自带"),
    "cli.models.template_none": Text("none", "无"),
    "cli.models.not_here": Text("not on this machine yet", "尚未下载"),
    "cli.models.fits": Text("fits", "可行"),
    "cli.models.fits_not": Text("does not fit", "内存不足"),
    "cli.models.fits_note": Text(
        "Training here, estimated for one row of 1024 tokens in {dtype} on {device} with {size}:",
        "本机训练估算（一条 1024 个词元，{dtype}，{device}，{size}）：",
    ),
    "cli.models.fits_foot": Text(
        "FITS HERE is estimated for training on one row of 1024 tokens in {dtype} on {device} with {size}.",
        "“本机可训练”的估算条件：一条 1024 个词元，{dtype}，{device}，{size}。",
    ),
    "cli.models.estimate_only": Text(", estimate only: takes a CUDA GPU", "，仅为估算：需要 CUDA 显卡"),
    "cli.models.estimate_only_foot": Text(
        "* An estimate only: QLoRA takes a CUDA GPU.", "* 仅为估算：QLoRA 需要 CUDA 显卡。"
    ),
    "cli.models.from_folder": Text("folder", "文件夹"),
    "cli.models.remove_sure": Text(
        "Delete {name} in {folder}? It frees {size}.", "删除 {folder} 中的 {name}？将释放 {size}。"
    ),
    "cli.models.move": Text(
        "Move Conch's folder and the hubs' caches to another disk.\n\n"
        "Everything is copied and compared first; then the old places become links to the new ones.",
        "把 Conch 的文件夹和各站点缓存迁移到另一块磁盘。\n\n先全部复制并校验，然后把原位置改为指向新位置的链接。",
    ),
    "cli.models.without_caches": Text("Leave the hubs' caches where they are.", "各站点缓存留在原处。"),
    "cli.models.move_plan": Text("{link} → {target} ({size})", "{link} → {target}（{size}）"),
    "cli.models.move_sure": Text("Move?", "确认迁移？"),
    "cli.models.moved": Text("Moved. The old paths go on working.", "迁移完成，原路径仍可使用。"),
    "cli.models.moved_already": Text("Everything is there already.", "已全部位于该处。"),
    "cli.models.none": Text(
        "No models yet. Try: conch models pull smollm2-135m",
        "还没有模型。可以试试：conch models pull smollm2-135m",
    ),
    "cli.models.remove": Text("Delete a model from this machine.", "从本机删除模型。"),
    "cli.models.removed": Text("Removed model {name}; {size} freed.", "已删除模型 {name}，释放 {size}。"),
    # data
    "cli.data.list": Text("List the datasets that are known by name.", "列出已登记的数据集。"),
    "cli.data.list.name": Text("NAME", "名称"),
    "cli.data.list.format": Text("FORMAT", "格式"),
    "cli.data.list.rows": Text("ROWS", "条数"),
    "cli.data.list.file": Text("FILE", "文件"),
    "cli.data.add": Text(
        "Register a file, folder or hub dataset under a name.\n\n"
        "Its format and columns are recognised from its rows; --format and --column say what is not.",
        "登记文件、文件夹或站点上的数据集。\n\n格式和列会自动识别；无法识别时用 --format 和 --column 指明。",
    ),
    "cli.data.name": Text("The name to give it; the file's own unless given.", "数据集名称；默认取文件名。"),
    "cli.data.format": Text("The format of its rows.", "数据的格式。"),
    "cli.data.column": Text(
        "Which column holds which part, such as prompt=question; `tools=` says that none does. May be repeated.",
        "各列的含义，例如 prompt=question；`tools=` 表示没有该列。可重复。",
    ),
    "cli.data.subset": Text("Of a hub dataset, the subset.", "站点数据集的子集。"),
    "cli.data.split": Text("Of a hub dataset, the split.", "站点数据集的划分，如 train。"),
    "cli.data.added": Text(
        "Registered as '{name}' ({columns}). Use it: dataset: {name}",
        "已登记为 '{name}'（{columns}）。使用方法：dataset: {name}",
    ),
    "cli.data.remove": Text(
        "Forget a dataset that you registered; its file stays.", "移除已登记的数据集；文件保留。"
    ),
    "cli.data.removed": Text(
        "'{name}' is no longer registered; its file stays.", "已移除 '{name}'；文件保留。"
    ),
    "cli.data.check": Text(
        "Say what is wrong with a dataset, row by row, before it is trained on.\n\n"
        "Exits 0 if training may start, else 1. With --model, tokens are looked at, too.",
        "训练前逐条检查数据集的问题。\n\n可以开始训练时退出码为 0，否则为 1。给出 --model 时也检查词元。",
    ),
    "cli.data.eval": Text(
        "Evaluation data; rows that are in both are told.", "评估数据集；报告两者共有的数据。"
    ),
    "cli.data.fix": Text(
        "Write a copy without the rows at fault to this new folder, and list them in removed.jsonl.",
        "将去掉问题数据的副本写入这个新文件夹，去掉的数据列在 removed.jsonl 中。",
    ),
    "cli.data.stats": Text(
        "Show how long the rows of a dataset are in tokens, and what each cutoff_len would cut.",
        "统计数据集的词元长度，以及各 cutoff_len 会截断多少。",
    ),
    "cli.data.stats.rows": Text("Rows            {value}", "数据条数    {value}"),
    "cli.data.stats.unread": Text(
        "Can't be used   {value} (see conch data check)", "无法使用    {value}（见 conch data check）"
    ),
    "cli.data.stats.of_turns": Text("{rows} of {turns} turns", "{turns} 轮 {rows} 条"),
    "cli.data.stats.of_script": Text("{rows} in {script}", "{script} {rows} 条"),
    "cli.data.stats.quantile.min": Text("shortest {length}", "最短 {length}"),
    "cli.data.stats.quantile.max": Text("longest {length}", "最长 {length}"),
    "cli.data.stats.quantile.other": Text("{name} {length}", "{name} {length}"),
    "cli.data.stats.turns": Text("Rows by turns   {value}", "按轮数      {value}"),
    "cli.data.stats.languages": Text("Scripts         {value}", "文字        {value}"),
    "cli.data.stats.tokens": Text("Tokens          {value}", "词元数      {value}"),
    "cli.data.stats.trained": Text("Trained tokens  {value}", "训练的词元  {value}"),
    "cli.data.stats.lengths": Text("Lengths         {value}", "长度        {value}"),
    "cli.data.stats.histogram": Text("Length in tokens:", "长度分布（词元）："),
    "cli.data.stats.cutoffs": Text("Truncated by cutoff_len:", "各 cutoff_len 截断的条数："),
    "cli.data.preview": Text(
        "Show the exact tokens of the first rows; the trained ones in green, or ⟦so⟧ where there are no colours.",
        "显示前几条数据的词元；参与训练的为绿色，无颜色时以⟦⟧标出。",
    ),
    "cli.data.preview_rows": Text("How many rows.", "显示多少条。"),
    "cli.data.preview_row": Text(
        "Row {row}, {part}: {tokens} tokens, {trained} of them trained",
        "第 {row} 条，{part}：{tokens} 个词元，其中 {trained} 个参与训练",
    ),
    "cli.data.preview_cut": Text("; cut at cutoff_len", "；已在 cutoff_len 处截断"),
    "cli.data.counted": Text("{rows} rows …", "已处理 {rows} 条…"),
    "cli.data.part.conversation": Text("conversation", "对话"),
    "cli.data.part.chosen": Text("chosen answer", "被选中的回答"),
    "cli.data.part.rejected": Text("rejected answer", "被拒绝的回答"),
    "cli.data.part.liked": Text("liked answer", "喜欢的回答"),
    "cli.data.part.disliked": Text("disliked answer", "不喜欢的回答"),
    "cli.data.part.text": Text("text", "文本"),
    # chat
    "cli.chat.max_new_tokens": Text(
        "The most tokens an answer may have, the prompt not counted.",
        "回答最多生成多少个词元，不含提示。",
    ),
    "cli.chat.adapter": Text("An adapter folder or run to put on top.", "要叠加的适配器文件夹或训练。"),
    "cli.chat.system": Text("System text.", "系统提示。"),
    "cli.chat.prompt": Text("Ask this one question and exit.", "只问这一个问题并退出。"),
    "cli.chat.no_prompt": Text("--json answers one question.", "--json 只回答一个问题。"),
    "cli.chat.no_prompt.fix": Text("Ask it with --prompt.", "请用 --prompt 提出问题。"),
    "cli.chat.loading": Text("Loading {model} …", "正在加载 {model} …"),
    "cli.chat.ready": Text(
        "Ask away. /new starts over, /exit ends, /help tells more, Ctrl-C stops an answer.",
        "请提问。/new 重新开始，/exit 退出，/help 查看帮助，Ctrl-C 中断回答。",
    ),
    "cli.chat.help": Text(
        "/new    forget the conversation and start over\n"
        "/exit   end (so do /quit and Ctrl-D)\n"
        "/help   this list\n"
        "Ctrl-C  stop an answer; at the prompt it ends the chat",
        "/new    清空对话，重新开始\n"
        "/exit   退出（/quit 和 Ctrl-D 也可以）\n"
        "/help   显示本帮助\n"
        "Ctrl-C  中断回答；在输入时则退出",
    ),
    "cli.chat.forgotten": Text("The conversation is forgotten.", "对话已清空。"),
    "cli.chat.no_command": Text(
        "There is no command {word}; /help lists them. To ask the model just that, put a space before it.",
        "没有命令 {word}；/help 会列出全部命令。如要把它发给模型，请在前面加一个空格。",
    ),
    "cli.program_version": Text("Show the version and exit.", "显示版本并退出。"),
    # export
    "cli.export.to": Text("The folder to make.", "要生成的文件夹。"),
    "cli.export.format": Text("What to write.", "导出格式。"),
    "cli.export.served": Text(
        "Compare what a running server says with the source: its address, such as http://127.0.0.1:8000. With --to an "
        "existing export, its proof is added to; with a new one, it is exported first.",
        "将正在运行的服务与原模型对比：填写服务地址，如 http://127.0.0.1:8000。--to 指向已有导出时，结果写入其验证文件；"
        "指向新文件夹时先导出。",
    ),
    "cli.export.served_model": Text(
        "What the server calls the model; needed where it serves several.",
        "模型在该服务中的名称；服务提供多个模型时必填。",
    ),
    "cli.export.served_proof": Text(
        "{url} as {model} compared on {prompts} prompts, {positions} tokens; {same} answers are the same:",
        "{url} 上的 {model}：对比 {prompts} 个提示、{positions} 个词元，{same} 个回答完全一致：",
    ),
    "cli.export.allow": Text(
        "Keep the export although it does not answer as its source does.",
        "即使导出模型的回答与来源不一致也保留。",
    ),
    "cli.export.done": Text("Exported to {folder} ({size})", "已导出到 {folder}（{size}）"),
    "cli.export.type": Text(
        "Number format of a GGUF file: f16 (unless given), f32, bf16, q8_0, q6_k, q5_k_m, q4_k_m, q4_0, …",
        "GGUF 文件的数值格式：f16（默认）、f32、bf16、q8_0、q6_k、q5_k_m、q4_k_m、q4_0 等。",
    ),
    "cli.export.adapter_only": Text(
        "Write the LoRA adapter alone, as GGUF for llama.cpp, and do not merge it.",
        "不合并，只把 LoRA 适配器单独写成 llama.cpp 使用的 GGUF。",
    ),
    "cli.export.next_safetensors": Text(
        "Try it:   conch chat {folder}\nServe it: conch serve {folder}",
        "试用：conch chat {folder}\n部署：conch serve {folder}",
    ),
    "cli.export.next_gguf": Text("Try it: conch chat {folder}", "试用：conch chat {folder}"),
    "cli.export.next_ollama": Text(
        "Make it known: cd {folder} && ollama create {name} -f Modelfile",
        "导入 Ollama：cd {folder} && ollama create {name} -f Modelfile",
    ),
    "cli.export.proof": Text(
        "Proof, on {prompts} prompts, in {dtype}:", "验证（{prompts} 个提示，{dtype}）："
    ),
}
