"""What the quickstart says."""

from conch.core.text.entry import Text

TEXTS = {
    "quickstart.model_help": Text("The model to start from.", "要微调的基座模型。"),
    "quickstart.dataset_help": Text("The dataset to train on: a name or a file.", "训练数据集：名称或文件。"),
    "quickstart.output_help": Text(
        "Where the figures and the exported model go.", "结果与导出模型的存放位置。"
    ),
    "quickstart.max_steps_help": Text(
        "Train no more than this many steps: a shorter look, with poorer answers.",
        "最多训练多少步：更快看到全过程，但回答会差一些。",
    ),
    "quickstart.phase.model": Text("1/6  The base model", "1/6  基座模型"),
    "quickstart.phase.before": Text("2/6  Asking it, before tuning", "2/6  微调前提问"),
    "quickstart.phase.train": Text("3/6  Fine-tuning with LoRA", "3/6  LoRA 微调"),
    "quickstart.phase.after": Text("4/6  Asking it again, after tuning", "4/6  微调后再次提问"),
    "quickstart.phase.export": Text("5/6  Merging, exporting, proving", "5/6  合并、导出并验证"),
    "quickstart.phase.serve": Text("6/6  Serving, and one HTTP request", "6/6  部署并发送一次 HTTP 请求"),
    "quickstart.took": Text("     took {seconds} s", "     用时 {seconds} 秒"),
    "quickstart.asking": Text("Asking {count} questions …", "正在提出 {count} 个问题 …"),
    "quickstart.starting": Text("Starting conch serve {folder} …", "正在启动 conch serve {folder} …"),
    "quickstart.best": Text(
        "Lowest eval loss {loss}, at step {step} of {steps}", "最低评估损失 {loss}，在第 {step}/{steps} 步"
    ),
    "quickstart.curve": Text("Train loss over {steps} steps", "{steps} 步的训练损失"),
    "quickstart.question": Text("Q       {prompt}", "问      {prompt}"),
    "quickstart.before": Text("before  {answer}", "微调前  {answer}"),
    "quickstart.after": Text("after   {answer}", "微调后  {answer}"),
    "quickstart.loss": Text(
        "Train loss {first} → {last}; eval loss {before} → {after}; {tokens} tokens at {speed} tokens/s",
        "训练损失 {first} → {last}；评估损失 {before} → {after}；共 {tokens} 个词元，{speed} 词元/秒",
    ),
    "quickstart.identity": Text(
        "Says it is the magic conch, on {count} rephrased questions that are not in the data: {before} → {after}",
        "对 {count} 个数据中没有的改写问题，自称神奇海螺的比例：{before} → {after}",
    ),
    "quickstart.export": Text(
        "Exported to {folder}: largest logit difference {difference} (allowed {allowed}), {same} of {prompts} greedy "
        "answers the same",
        "已导出到 {folder}：logit 最大差异 {difference}（允许 {allowed}），{same}/{prompts} 个贪心回答一致",
    ),
    "quickstart.http": Text("{request}\n  {status}: {answer}", "{request}\n  {status}：{answer}"),
    "quickstart.done": Text("Done in {time}. All figures: {file}", "完成，用时 {time}。全部数据：{file}"),
    "quickstart.next": Text(
        "Next:\n"
        "  conch chat {run}                          talk to it\n"
        "  conch serve {folder} --port 8000          serve it; then open http://127.0.0.1:8000/docs\n"
        "  conch train model_name_or_path={model} dataset=./my.json learning_rate=1e-3 num_train_epochs=5\n"
        "                                            tune on rows of your own; then conch runs diagnose latest\n"
        "  conch options train                       every setting, explained",
        "接下来：\n"
        "  conch chat {run}                          与它对话\n"
        "  conch serve {folder} --port 8000          部署它，然后打开 http://127.0.0.1:8000/docs\n"
        "  conch train model_name_or_path={model} dataset=./my.json learning_rate=1e-3 num_train_epochs=5\n"
        "                                            用自己的数据微调，之后可运行 conch runs diagnose latest\n"
        "  conch options train                       查看全部配置项的说明",
    ),
    "quickstart.run_failed": Text("The training run failed: {message}", "训练失败：{message}"),
    "quickstart.run_failed.fix": Text("{hint}", "{hint}"),
    "quickstart.run_ended": Text("The training run {run} is {state}.", "训练 {run} 的状态：{state}。"),
    "quickstart.run_ended.fix": Text("Look at {log}.", "请查看 {log}。"),
    "quickstart.no_answer": Text("The server did not answer {url}: {reason}", "服务没有回应 {url}：{reason}"),
    "quickstart.no_answer.fix": Text("Look at {log}.", "请查看 {log}。"),
    "quickstart.interrupted": Text(
        "The training run goes on by itself. Watch it: conch runs follow {run}; stop it: conch runs stop {run}",
        "训练会自行继续。查看进度：conch runs follow {run}；停止：conch runs stop {run}",
    ),
    "quickstart.no_server": Text("The server did not start.", "服务未能启动。"),
    "quickstart.no_server.fix": Text("Look at {log}.", "请查看 {log}。"),
}
