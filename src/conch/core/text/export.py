"""What is said about exports."""

from conch.core.text.entry import Text

TEXTS = {
    "export.merging": Text("Merging the adapter into its base …", "正在把适配器合并进基座模型 …"),
    "export.nothing_to_merge": Text(
        "{name} has no adapter to merge; its weights are written as they are …",
        "{name} 没有需要合并的适配器，将按原样写出权重 …",
    ),
    "export.proving": Text("Comparing the export with its source …", "正在对比导出模型与来源 …"),
    "export.target_exists": Text("The export folder {folder} is not empty.", "导出文件夹 {folder} 不为空。"),
    "export.target_exists.fix": Text(
        "Choose another folder, or remove it first.", "请换一个文件夹，或先将其删除。"
    ),
    "export.no_space": Text(
        "{folder} has {free} MB free, but the export takes {needed} MB.",
        "{folder} 剩余 {free} MB，而导出需要 {needed} MB。",
    ),
    "export.no_space.fix": Text("Make room, or export to another disk.", "请腾出空间，或导出到其他磁盘。"),
    "export.unwritable": Text("{folder} can't be written: {reason}.", "无法写入 {folder}：{reason}。"),
    "export.unwritable.fix": Text("Choose another folder.", "请换一个文件夹。"),
    "export.differs": Text(
        "The export does not answer as its source does. Nothing was written. What did not hold:\n{failed}",
        "导出模型的回答与来源不一致，未写入任何内容。未通过的检查：\n{failed}",
    ),
    "export.differs.fix": Text(
        "Check that base, adapter and template belong together; --allow-difference exports all the same.",
        "请检查基座、适配器与模板是否配套；加上 --allow-difference 可强制导出。",
    ),
    "export.one_adapter": Text(
        "An adapter alone can be exported where the model has one; this one has {count}.",
        "只有恰好带一个适配器的模型才能单独导出适配器；该模型带有 {count} 个。",
    ),
    "export.one_adapter.fix": Text("Export the merged model instead.", "请改为导出合并后的模型。"),
    "export.proving_served": Text(
        "Comparing what {url} says as {model} with the source …",
        "正在对比 {url} 上的 {model} 与原模型的回答 …",
    ),
    "export.served_which": Text("{url} serves several models: {names}", "{url} 提供多个模型：{names}"),
    "export.served_which.fix": Text("Name one with --served-model.", "请用 --served-model 指定一个。"),
    "export.served_refused": Text("{url} answered with status {status}.", "{url} 返回状态码 {status}。"),
    "export.served_refused.fix": Text(
        "Check --served-model, and the key in CONCH_API_KEY. The server needs /tokenize, and /v1/completions with "
        "echo and logprobs (conch serve, vLLM).",
        "请检查 --served-model 和环境变量 CONCH_API_KEY 中的密钥。服务需提供 /tokenize，"
        "且 /v1/completions 支持 echo 和 logprobs（如 conch serve、vLLM）。",
    ),
    "export.served_silent": Text("{url} can't be read: {reason}", "无法读取 {url}：{reason}"),
    "export.served_silent.fix": Text(
        "Give the address of a running server, such as http://127.0.0.1:8000.",
        "请给出正在运行的服务地址，如 http://127.0.0.1:8000。",
    ),
    "export.served_odd": Text(
        "{url} answers in another form than conch serve and vLLM.",
        "{url} 的返回格式与 conch serve、vLLM 不同。",
    ),
    "export.served_odd.fix": Text(
        "The server needs /tokenize, and /v1/completions with echo and logprobs.",
        "服务需提供 /tokenize，且 /v1/completions 支持 echo 和 logprobs。",
    ),
    "export.served_differs": Text(
        "What is served does not answer as its source does:\n{failed}",
        "部署的模型与原模型的回答不一致：\n{failed}",
    ),
    "export.served_differs.fix": Text(
        "Serve the export or the run itself, and say by --type in which format the server computes.",
        "请部署该导出结果或训练本身，并用 --type 说明服务使用的数值格式。",
    ),
    "export.no_modelfile": Text(
        "The model's chat template can't be written as one that Ollama understands.",
        "模型的对话模板无法改写成 Ollama 能理解的模板。",
    ),
    "export.no_modelfile.fix": Text("Export with --format gguf instead.", "请改用 --format gguf 导出。"),
    "export.ollama_without_system": Text(
        "The Modelfile leaves system texts out: this model's template writes them in a way that Ollama can't.",
        "Modelfile 不含系统提示：该模型的对话模板写入系统提示的方式无法在 Ollama 中表达。",
    ),
    "export.ollama_without_tools": Text(
        "The Modelfile leaves tools out: this model's template writes them in a way that Ollama can't. Chat works.",
        "Modelfile 不含工具调用：该模型的对话模板写入工具的方式无法在 Ollama 中表达。普通对话不受影响。",
    ),
    "export.ollama_without_thinking": Text(
        "The Modelfile leaves the switch for thoughts out: this model's template writes thoughts in a way that "
        "Ollama can't. Answers hold them as text.",
        "Modelfile 不含思考开关：该模型的对话模板写入思考内容的方式无法在 Ollama 中表达，思考内容会作为普通文本输出。",
    ),
    "export.check.prompt_tokens": Text(
        "{found} of {allowed} prompts are read as the same tokens.",
        "{found}/{allowed} 个提示读出的词元一致。",
    ),
    "export.check.stop_tokens": Text(
        "{found} of {allowed} tokens that end an answer end one here, too.",
        "{allowed} 个结束词元中有 {found} 个在导出模型中同样生效。",
    ),
    "export.check.same_prompts": Text(
        "Prompts are read as the same tokens: {found} (1 is yes).",
        "提示读出的词元一致：{found}（1 表示是）。",
    ),
    "export.check.same_stops": Text(
        "Answers end at the same tokens: {found} (1 is yes).", "结束回答的词元一致：{found}（1 表示是）。"
    ),
    "export.check.merging": Text(
        "Merging changed the logits by at most {found} (allowed {allowed}).",
        "合并使 logit 最多相差 {found}（允许 {allowed}）。",
    ),
    "export.check.writing": Text(
        "Writing changed the logits by at most {found} (allowed {allowed}).",
        "写入使 logit 最多相差 {found}（允许 {allowed}）。",
    ),
    "export.check.answers": Text(
        "{found} of {allowed} greedy answers are the same.", "{found}/{allowed} 个贪心回答一致。"
    ),
    "export.check.largest": Text(
        "Log-probabilities differ by at most {found} (allowed {allowed}).",
        "对数概率最多相差 {found}（允许 {allowed}）。",
    ),
    "export.check.mean": Text(
        "Log-probabilities differ by {found} on average (allowed {allowed}).",
        "对数概率平均相差 {found}（允许 {allowed}）。",
    ),
    "export.check.next_token": Text(
        "The likeliest next token is the same at a share of {found} of sure positions (at least {allowed}).",
        "在有把握的位置上，最可能的下一个词元一致的比例为 {found}（至少 {allowed}）。",
    ),
    "export.check.adapter_share": Text(
        "A share of {found} of what the adapter does is in the export (1 is all of it, 0 the base; off by {allowed} "
        "and rounding at most).",
        "适配器的作用有 {found} 体现在导出模型中（1 为全部，0 为基座；偏差最多 {allowed} 加上舍入误差）。",
    ),
    "export.no_target": Text("No export folder is given.", "没有给出导出文件夹。"),
    "export.no_target.fix": Text(
        "Add --to FOLDER, or export_dir to the config file.",
        "请加上 --to 文件夹，或在配置文件中写 export_dir。",
    ),
    "export.pushing": Text("Sending the export to {repository} …", "正在把导出的模型上传到 {repository} …"),
    "export.push_offline": Text(
        "The export lies in {folder}; {repository} was not reached, since HF_HUB_OFFLINE forbids the network.",
        "导出的模型在 {folder}；HF_HUB_OFFLINE 禁用了网络，没有上传到 {repository}。",
    ),
    "export.push_offline.fix": Text(
        "Send it by hand: hf upload {repository} {folder}", "请手动上传：hf upload {repository} {folder}"
    ),
    "export.not_pushed": Text(
        "The export lies in {folder}, but {repository} did not take it: {reason}",
        "导出的模型在 {folder}，但未能上传到 {repository}：{reason}",
    ),
    "export.not_pushed.fix": Text(
        "Check the name (OWNER/NAME) and the token (hf_hub_token or HF_TOKEN, with write access); then send it again: "
        "hf upload {repository} {folder}",
        "请检查名称（所有者/名称）和令牌（hf_hub_token 或 HF_TOKEN，需要写权限），然后重新上传：hf upload {repository} {folder}",
    ),
}
