"""What is said about predictions and their scores."""

from conch.core.text.entry import Text

TEXTS = {
    "evaluation.no_rows": Text(
        "No row of {names} has an answer to compare with.", "{names} 中没有可供对比的回答。"
    ),
    "evaluation.no_rows.fix": Text(
        "Name a dataset of conversations in eval_dataset or dataset.",
        "请在 eval_dataset 或 dataset 中给出对话数据集。",
    ),
    "evaluation.no_output": Text("No folder for the answers is given.", "没有给出存放预测结果的文件夹。"),
    "evaluation.no_output.fix": Text("Add output_dir=FOLDER.", "请加上 output_dir=文件夹。"),
    "evaluation.beams_sample": Text(
        "num_beams searches for the likeliest answer, but this model's generation config draws its answers.",
        "num_beams 用于寻找概率最高的回答，而该模型的生成配置是采样生成。",
    ),
    "evaluation.beams_sample.fix": Text(
        "Add do_sample: false, or leave num_beams out.", "请加上 do_sample: false，或去掉 num_beams。"
    ),
    "evaluation.stopped": Text(
        "Stopped while predicting: {done} of {total} rows are answered and kept. Go on: conch runs resume {run}",
        "已在预测中停止：已预测 {done}/{total} 条，结果已保留。继续：conch runs resume {run}",
    ),
    "evaluation.done": Text(
        "{rows} rows answered in {folder}; {again} of them were kept from an earlier attempt.",
        "已预测 {rows} 条，结果在 {folder}；其中 {again} 条沿用上次的结果。",
    ),
    "evaluation.progress": Text("{done} of {total} rows answered", "已预测 {done}/{total} 条"),
    "evaluation.too_long": Text(
        "{count} rows were too long for the model and got no answer.",
        "有 {count} 条超出模型长度上限，没有预测。",
    ),
    "evaluation.cut_off": Text(
        "{count} answers were cut off at max_new_tokens.", "有 {count} 条回答在 max_new_tokens 处被截断。"
    ),
    "evaluation.score": Text("  {name}: {value}", "  {name}：{value}"),
    "evaluation.exact_match": Text("exact match", "完全一致"),
    "evaluation.f1": Text("F1 of words", "词级 F1"),
    "evaluation.bleu": Text("BLEU of the corpus", "语料 BLEU"),
    "evaluation.bleu-4": Text("BLEU-4 of characters", "字符 BLEU-4"),
    "evaluation.chrf": Text("chrF of characters", "字符 chrF"),
    "evaluation.rouge-1": Text("ROUGE-1, words", "ROUGE-1（词）"),
    "evaluation.rouge-2": Text("ROUGE-2, pairs", "ROUGE-2（词对）"),
    "evaluation.rouge-l": Text("ROUGE-L, order", "ROUGE-L（顺序）"),
    "evaluation.json_valid": Text("valid JSON", "合法 JSON"),
    "evaluation.repetition": Text("repetition", "重复率"),
    "evaluation.length": Text("length in tokens", "长度（词元）"),
    "evaluation.length_ratio": Text("length, as a part of the wanted", "与标准答案的长度比"),
    "evaluation.empty": Text("empty answers", "空回答"),
    "evaluation.correct": Text("right answers in %", "正确率（%）"),
    "evaluation.loss": Text("loss (lower is better)", "损失（越低越好）"),
    "evaluation.general": Text("the general examination", "通用小测"),
    "evaluation.no_prompts": Text("{file} can't be read: {reason}", "无法读取 {file}：{reason}"),
    "evaluation.no_prompts.fix": Text(
        "Give a text file with a prompt a line, or a JSON list of texts.",
        "请提供每行一个提示的文本文件，或由文本组成的 JSON 列表。",
    ),
    "evaluation.empty_prompts": Text("{file} holds no prompt.", "{file} 中没有提示。"),
    "evaluation.empty_prompts.fix": Text("Write a prompt a line.", "请每行写一个提示。"),
    "evaluation.prompts_form": Text("{file} is no list of texts.", "{file} 不是由文本组成的列表。"),
    "evaluation.prompts_form.fix": Text(
        'Write it as ["first prompt", "second prompt"]; for rows with answers use --dataset.',
        '请写成 ["提示一", "提示二"]；带答案的数据请用 --dataset。',
    ),
    "evaluation.two_sources": Text(
        "--prompts and --dataset were both given.", "同时给出了 --prompts 和 --dataset。"
    ),
    "evaluation.two_sources.fix": Text("Give one of them.", "请只保留其中一个。"),
    "evaluation.metric_general": Text(
        "--metric {metric} was given, but the general examination has right and wrong only.",
        "指定了 --metric {metric}，但通用小测只分对错。",
    ),
    "evaluation.metric_general.fix": Text(
        "Leave --metric out, or name rows with --dataset.", "请去掉 --metric，或用 --dataset 指定数据。"
    ),
    "evaluation.metric_without_answers": Text(
        "--metric {metric} needs the right answers, which {rows} does not hold.",
        "--metric {metric} 需要标准答案，而 {rows} 中没有。",
    ),
    "evaluation.metric_without_answers.fix": Text(
        "Leave --metric out, or name a dataset with answers by --dataset.",
        "请去掉 --metric，或用 --dataset 指定带答案的数据集。",
    ),
    "evaluation.no_base": Text("{name} names no base to compare it with.", "{name} 没有可供对比的基座模型。"),
    "evaluation.no_base.fix": Text(
        "Name two models: conch compare A B.", "请给出两个模型：conch compare A B。"
    ),
    "evaluation.judge_half": Text(
        "A judge needs both --judge and --judge-model.", "评判模型需要同时给出 --judge 和 --judge-model。"
    ),
    "evaluation.judge_half.fix": Text(
        "Such as --judge https://api.example.com/v1 --judge-model NAME; its key is read from CONCH_JUDGE_KEY.",
        "例如 --judge https://api.example.com/v1 --judge-model 名称；密钥从环境变量 CONCH_JUDGE_KEY 读取。",
    ),
    "evaluation.judge_silent": Text(
        "The judge at {url} does not answer: {reason}", "评判模型 {url} 没有应答：{reason}"
    ),
    "evaluation.judge_silent.fix": Text(
        "Check the address; it ends with /v1 at most servers.", "请检查地址，多数服务的地址以 /v1 结尾。"
    ),
    "evaluation.judge_refused": Text(
        "The judge at {url} refused with status {status}: {reason}",
        "评判模型 {url} 拒绝了请求（{status}）：{reason}",
    ),
    "evaluation.judge_refused.fix": Text(
        "Check --judge-model and the key in CONCH_JUDGE_KEY.",
        "请检查 --judge-model 与环境变量 CONCH_JUDGE_KEY 中的密钥。",
    ),
    "evaluation.judge_form": Text(
        "What {url} answers is not in OpenAI's form.", "{url} 的应答不是 OpenAI 的格式。"
    ),
    "evaluation.judge_form.fix": Text("Name an OpenAI-compatible server.", "请使用兼容 OpenAI 接口的服务。"),
    "evaluation.target_exists": Text("The folder {folder} is not empty.", "文件夹 {folder} 不为空。"),
    "evaluation.target_exists.fix": Text("Choose another one with --to.", "请用 --to 换一个文件夹。"),
    "evaluation.doing.a": Text("A: {done} of {total} rows answered", "A：已回答 {done}/{total} 条"),
    "evaluation.doing.b": Text("B: {done} of {total} rows answered", "B：已回答 {done}/{total} 条"),
    "evaluation.doing.judge": Text("{done} of {total} pairs judged", "已评判 {done}/{total} 对"),
    "evaluation.compare.rows": Text(
        "{count} rows of {source}; {same} answers are the same.",
        "{source}，共 {count} 条；{same} 条回答相同。",
    ),
    "evaluation.compare.means": Text(
        "{metric}: A {a}, B {b}; difference {difference}.", "{metric}：A {a}，B {b}；相差 {difference}。"
    ),
    "evaluation.compare.marks": Text(
        "By the score, B is better on {better} rows, worse on {worse}, equal on {ties}. Win rate of B: {rate} "
        "(95 % interval; ties count half).",
        "按得分，B 更好 {better} 条，更差 {worse} 条，持平 {ties} 条。B 的胜率：{rate}（95% 置信区间，平局计半胜）。",
    ),
    "evaluation.compare.judged": Text(
        "By the judge, B is better on {better} rows, worse on {worse}, equal on {ties}. Win rate of B: {rate} "
        "(95 % interval; ties count half).",
        "按评判模型，B 更好 {better} 条，更差 {worse} 条，持平 {ties} 条。B 的胜率：{rate}（95% 置信区间，平局计半胜）。",
    ),
    "evaluation.compare.better": Text(
        "B is better than A; chance alone does that with probability {p}.",
        "B 优于 A；纯属偶然的概率为 {p}。",
    ),
    "evaluation.compare.worse": Text(
        "B is worse than A; chance alone does that with probability {p}.",
        "B 不如 A；纯属偶然的概率为 {p}。",
    ),
    "evaluation.compare.same": Text(
        "The difference may be chance (p = {p}): these rows do not tell which is better.",
        "差异可能出于偶然（p = {p}）：这些数据不足以分出高下。",
    ),
    "evaluation.compare.none": Text(
        "These rows have no right answers to score by: read the answers in the report (--to FOLDER), or name a judge "
        "(--judge).",
        "这些提示没有标准答案，无法评分：请在报告中阅读回答（--to 文件夹），或指定评判模型（--judge）。",
    ),
    "evaluation.compare.worst": Text(
        "Rows that got worse ({count}), the worst first:", "变差的数据（{count} 条，最差的在前）："
    ),
    "evaluation.compare.side": Text("{side}  {name}", "{side}  {name}"),
    "evaluation.compare.asked": Text("  {row}. {prompt}", "  {row}. {prompt}"),
    "evaluation.compare.answer": Text("     {side}: {text}", "     {side}：{text}"),
    "evaluation.compare.more": Text("  … and {count} more.", "  …… 另有 {count} 条。"),
    "evaluation.compare.written": Text("Report: {page}", "报告：{page}"),
    "evaluation.forgot.line": Text(
        "  {area}: {before} → {after} of {questions} right ({lost} lost, {gained} gained)",
        "  {area}：{questions} 题中答对 {before} → {after}（丢失 {lost}，新增 {gained}）",
    ),
    "evaluation.area.arithmetic": Text("arithmetic", "算术"),
    "evaluation.area.facts": Text("facts", "常识"),
    "evaluation.area.instructions": Text("instructions", "指令"),
    "evaluation.area.format": Text("form", "格式"),
    "evaluation.area.all": Text("all", "合计"),
    "evaluation.page.title": Text("{b} beside {a}", "{b} 与 {a} 对比"),
    "evaluation.page.worse": Text("Rows that got worse ({count})", "变差的数据（{count} 条）"),
    "evaluation.page.all": Text("All rows ({count})", "全部数据（{count} 条）"),
    "evaluation.page.prompt": Text("prompt", "提示"),
    "evaluation.page.wanted": Text("wanted answer", "标准答案"),
    "evaluation.page.verdict": Text("verdict", "结论"),
    "evaluation.page.score": Text("score", "得分"),
    "evaluation.page.area": Text("area", "类别"),
    "evaluation.page.questions": Text("questions", "题数"),
    "evaluation.page.before": Text("right in A", "A 答对"),
    "evaluation.page.after": Text("right in B", "B 答对"),
    "evaluation.page.lost": Text("lost", "丢失"),
    "evaluation.page.gained": Text("gained", "新增"),
    "evaluation.verdict.a": Text("A better", "A 更好"),
    "evaluation.verdict.b": Text("B better", "B 更好"),
    "evaluation.verdict.tie": Text("equal", "持平"),
    "evaluation.no_harness": Text("lm-eval is not installed.", "没有安装 lm-eval。"),
    "evaluation.no_harness.fix": Text("pip install 'conch[eval]'", "请运行 pip install 'conch[eval]'。"),
    "evaluation.no_task": Text("lm-eval knows no task {task}.", "lm-eval 中没有任务 {task}。"),
    "evaluation.no_task.fix": Text(
        "Similar ones: {known}. `lm_eval ls tasks` lists them all; --task-dir adds your own.",
        "相近的有：{known}。`lm_eval ls tasks` 会列出全部任务；--task-dir 可加入自己的任务。",
    ),
    "evaluation.task_failed": Text("lm-eval could not finish: {reason}", "lm-eval 未能完成：{reason}"),
    "evaluation.task_failed.fix": Text(
        "Most tasks fetch their data from the hub: check the network, or name tasks of your own with --task-dir.",
        "多数任务需要从模型站点下载数据：请检查网络，或用 --task-dir 使用自己的任务。",
    ),
    "evaluation.tasks_or_dataset": Text(
        "--tasks and --dataset were both given.", "同时给出了 --tasks 和 --dataset。"
    ),
    "evaluation.tasks_or_dataset.fix": Text("Give one of them.", "请只保留其中一个。"),
    "evaluation.serving": Text("Serving {model} on this machine …", "正在本机部署 {model} …"),
    "evaluation.benching": Text("Running {tasks} …", "正在评测 {tasks} …"),
    "evaluation.task_score": Text(
        "{task}  {metric}: {value} ± {error} ({rows} rows)",
        "{task}  {metric}：{value} ± {error}（{rows} 条）",
    ),
    "evaluation.task_score_bare": Text(
        "{task}  {metric}: {value} ({rows} rows)", "{task}  {metric}：{value}（{rows} 条）"
    ),
    "evaluation.whole_loss": Text(
        "{rows} rows, {tokens} tokens of answers: loss {loss}, perplexity {perplexity}. Hardest rows:",
        "{rows} 条，回答共 {tokens} 个词元：损失 {loss}，困惑度 {perplexity}。损失最高的数据：",
    ),
    "evaluation.row_loss": Text("  {row}. {loss}  {prompt}", "  {row}. {loss}  {prompt}"),
    "evaluation.no_loss": Text(
        "No answer fits into the model's context.", "没有任何回答放得进模型的上下文。"
    ),
    "evaluation.right": Text("{area}: {right} of {questions} right", "{area}：{questions} 题答对 {right}"),
}
