"""What is said about config files and overrides."""

from conch.core.text.entry import Text

TEXTS = {
    "config.invalid": Text("{count} setting(s) can't be used:", "有 {count} 项设置无法使用："),
    "config.invalid.fix": Text(
        "Correct them and run again; `conch options train` lists every key.",
        "请改正后重新运行；`conch options train` 会列出全部配置项。",
    ),
    "config.nothing": Text(
        "There is nothing to train: neither a config file nor model_name_or_path and dataset are given.",
        "没有可训练的内容：既没有给出配置文件，也没有给出 model_name_or_path 和 dataset。",
    ),
    "config.nothing.fix": Text(
        "Name a file (conch train train.yaml), or both keys: conch train model_name_or_path=smollm2-135m "
        "dataset=magic_conch",
        "请给出文件（conch train train.yaml），或同时给出这两项：conch train model_name_or_path=smollm2-135m "
        "dataset=magic_conch",
    ),
    "config.problem": Text("{key} = {value}: expected {expected}", "{key} = {value}：{expected}"),
    "config.problem_unset": Text("{key} is not set: expected {expected}", "{key} 未设置：{expected}"),
    "config.problem_where": Text(" ({where})", "（{where}）"),
    "config.did_you_mean": Text("; did you mean '{suggestion}'?", "；您是想写 '{suggestion}' 吗？"),
    "config.line": Text("{file} line {line}", "{file} 第 {line} 行"),
    "config.command_line": Text("command line", "命令行"),
    "config.from_python": Text("Python call", "Python 调用"),
    # what was expected
    "config.expect.bool": Text("true or false", "应为 true 或 false"),
    "config.expect.choice": Text("one of {choices}", "应为以下之一：{choices}"),
    "config.expect.ge": Text("at least {bound}", "应不小于 {bound}"),
    "config.expect.given": Text("a value: this key is required", "必填，请给出值"),
    "config.expect.gt": Text("more than {bound}", "应大于 {bound}"),
    "config.expect.int": Text("a whole number", "应为整数"),
    "config.expect.known_key": Text("a known key", "没有这个配置项"),
    "config.expect.le": Text("at most {bound}", "应不大于 {bound}"),
    "config.expect.list": Text("a list, or names separated by commas", "应为列表，或以逗号分隔的名称"),
    "config.expect.lt": Text("less than {bound}", "应小于 {bound}"),
    "config.expect.mapping": Text("a mapping of names to values", "应为名称到值的映射"),
    "config.expect.number": Text("a number", "应为数字"),
    "config.expect.once": Text(
        "each key once; it stands already in {first}", "每项只写一次；{first} 已经写过"
    ),
    "config.expect.size": Text("a size such as 2GB", "应为一个容量，如 2GB"),
    "config.expect.text": Text("text", "应为文本"),
    "config.expect.valid": Text("a valid value", "值无效"),
    # files and words
    "config.no_file": Text("There is no config file {file}.", "配置文件 {file} 不存在。"),
    "config.no_file.fix": Text("Check the path.", "请检查路径。"),
    "config.no_file_close": Text(
        "There is no config file {file}. Did you mean {close}?",
        "配置文件 {file} 不存在。您是想写 {close} 吗？",
    ),
    "config.no_file_close.fix": Text("Run again with {close}.", "请用 {close} 重新运行。"),
    "config.is_folder": Text("{file} is a folder, not a config file.", "{file} 是文件夹，不是配置文件。"),
    "config.is_folder.fix": Text("Name a .yaml or .json file in it.", "请指定其中的 .yaml 或 .json 文件。"),
    "config.unreadable": Text(
        "The config file {file} can't be read: {reason}.", "无法读取配置文件 {file}：{reason}。"
    ),
    "config.unreadable.fix": Text("Check its permissions.", "请检查文件权限。"),
    "config.not_utf8": Text("The config file {file} is not UTF-8 text.", "配置文件 {file} 不是 UTF-8 文本。"),
    "config.not_utf8.fix": Text("Save it as UTF-8 and run again.", "请另存为 UTF-8 编码后重试。"),
    "config.not_yaml": Text(
        "{file} line {line} is neither YAML nor JSON: {problem}.",
        "{file} 第 {line} 行既不是 YAML 也不是 JSON：{problem}。",
    ),
    "config.not_yaml.fix": Text(
        "Write one `key: value` a line; quote text that holds `:` or `#`.",
        "每行写一个 `键: 值`；含有 `:` 或 `#` 的文本请加引号。",
    ),
    "config.empty_file": Text("The config file {file} is empty.", "配置文件 {file} 是空的。"),
    "config.empty_file.fix": Text(
        "Give at least model_name_or_path and dataset.", "至少写上 model_name_or_path 和 dataset。"
    ),
    "config.not_mapping": Text("{file} holds no `key: value` pairs.", "{file} 中没有 `键: 值` 形式的内容。"),
    "config.not_mapping.fix": Text("Write one `key: value` a line.", "每行写一个 `键: 值`。"),
    "config.not_override": Text("'{word}' is not a setting.", "'{word}' 不是一项设置。"),
    "config.not_override.fix": Text(
        "Write key=value or --key value; a config file comes first: conch train FILE key=value",
        "请写成 key=value 或 --key value；配置文件写在最前：conch train FILE key=value",
    ),
    # keys that change nothing
    "config.no_effect": Text(
        "{key} ({where}) has no effect here: {reason}", "{key}（{where}）在此不起作用：{reason}"
    ),
    "config.no_effect.fast_tokenizer": Text("the fast tokenizer is always used.", "始终使用快速分词器。"),
    "config.no_effect.kernels": Text("kernels are chosen by the hardware.", "计算内核按硬件自动选择。"),
    "config.no_effect.reentrant": Text(
        "non-reentrant checkpointing is always used.", "始终使用非重入式检查点。"
    ),
    "config.no_effect.one_process": Text("the run is one process.", "训练只有一个进程。"),
    "config.no_effect.workers": Text(
        "workers take rows in portions of a fixed size.", "各工作进程每次处理的数据条数是固定的。"
    ),
    "config.no_effect.tool_format": Text(
        "functions and calls of them are written as the model's own chat template writes them.",
        "函数及其调用按模型自带的对话模板书写。",
    ),
    "config.no_effect.always_told": Text("this is always told.", "该信息总会给出。"),
    "config.no_effect.generation": Text("no text is generated while training.", "训练期间不生成文本。"),
    "config.no_effect.infer_dtype": Text(
        "it is the number format of chat and export; training takes bf16 and fp16.",
        "它是对话和导出时的数值格式；训练请使用 bf16 和 fp16。",
    ),
    "config.no_effect.export": Text(
        "an export only merges weights and writes them.", "导出只合并权重并写出。"
    ),
    "config.no_effect.export_tokens": Text(
        "an export takes its tokens from the folders of the model and the adapter.",
        "导出使用模型和适配器文件夹中已有的词元。",
    ),
    "config.no_effect.output": Text("what is printed follows from the terminal.", "输出方式由终端决定。"),
    "config.no_effect.safetensors": Text(
        "weights are always saved as safetensors.", "权重始终以 safetensors 格式保存。"
    ),
    "config.no_effect.trainer": Text(
        "our trainer makes its batches and its evaluation in its own way.",
        "我们的训练器以自己的方式组织批次和评估。",
    ),
    "config.no_effect.padding": Text("padding is never trained.", "填充部分从不参与训练。"),
    "config.no_effect.logging_dir": Text("logs lie in the run's folder.", "日志保存在该次训练的文件夹中。"),
    "config.no_effect.low_memory": Text(
        "weights are always read the low-memory way.", "始终以低内存方式读取权重。"
    ),
    # keys that are refused until they are built
    "config.later.method": Text(
        "stage sft or pt with lora, full or freeze: this method is not built yet",
        "该方法尚未实现，请改用 stage: sft 或 pt，配合 lora、full 或 freeze",
    ),
    "config.later.media": Text(
        "this key to be left out: images, video and audio are not supported yet",
        "请去掉此项：暂不支持图像、视频和音频",
    ),
    "config.later.cluster": Text(
        "this key to be left out: training over several processes is not built yet",
        "请去掉此项：多进程训练尚未实现",
    ),
    "config.later.quantization": Text(
        "4 or 8 bits by bnb, or 8 by int8: other ways to quantise are not built yet",
        "应为 bnb（4 位或 8 位）或 int8（8 位）：其他量化方式尚未实现",
    ),
    "config.later.model": Text(
        "this key to be left out: this change of the model is not built yet",
        "请去掉此项：对模型的这种改动尚未实现",
    ),
    "config.later.predict": Text(
        "this key to be left out: say it by num_beams, max_new_tokens or max_length",
        "请去掉此项：请改用 num_beams、max_new_tokens 或 max_length",
    ),
    "config.later.backend": Text(
        "huggingface, llamacpp or auto: this engine is not supported yet",
        "应为 huggingface、llamacpp 或 auto：暂不支持该推理引擎",
    ),
    "config.later.hub": Text(
        "this key to be left out: this hub is not supported yet", "请去掉此项：暂不支持该模型站点"
    ),
    "config.later.swanlab_key": Text(
        "nothing here, since a run's config holds no secrets; use `swanlab login` or SWANLAB_API_KEY",
        "此处不接受，因为训练配置不保存密钥；请使用 `swanlab login` 或环境变量 SWANLAB_API_KEY",
    ),
    "config.later.trackers": Text(
        "this key to be left out: this setting of a tracker is not supported yet",
        "请去掉此项：暂不支持该跟踪平台的这项设置",
    ),
    "config.later.trainer": Text(
        "this key to be left out: our trainer computes loss and batches in its own way",
        "请去掉此项：我们的训练器以自己的方式计算损失和批次",
    ),
    "config.later.export": Text(
        "this key to be left out: exporting this way is not built yet", "请去掉此项：这种导出方式尚未实现"
    ),
    "config.rule.model_source": Text("{choices}, or the URL of a mirror", "应为 {choices}，或镜像站的 URL"),
    "config.rule.one_precision": Text("only one of bf16 and fp16", "bf16 与 fp16 只能选一个"),
    "config.rule.quantised_lora": Text(
        "finetuning_type: lora with it, since quantised weights can't train",
        "须配合 finetuning_type: lora：量化后的权重无法训练",
    ),
    "config.rule.int8_bits": Text("8 with quantization_method: int8", "quantization_method: int8 须配合 8"),
    "config.rule.int8_lora": Text(
        "to be left out with quantization_method: int8, since it needs the exact weights",
        "使用 quantization_method: int8 时请去掉此项：它需要未量化的权重",
    ),
    "config.rule.pure_bf16": Text(
        "bf16 not to be false when pure_bf16 is true", "pure_bf16 为 true 时 bf16 不能为 false"
    ),
    "config.rule.do_train": Text(
        "true, or do_predict: true beside it: else there is nothing to do",
        "应为 true，或同时设置 do_predict: true，否则没有可做的事",
    ),
    "config.rule.predict_generates": Text(
        "true with do_predict, which makes answers; for the loss alone use do_eval",
        "使用 do_predict 时应为 true：预测就是生成回答；只算损失请用 do_eval",
    ),
    "config.rule.predict_answers": Text(
        "to be left out with stage: pt, since plain text has no answers",
        "stage: pt 时请去掉此项：纯文本没有回答可供预测",
    ),
    "config.rule.predict_rows": Text(
        "rows to predict: add eval_dataset or val_size", "需要用于预测的数据：请加上 eval_dataset 或 val_size"
    ),
    "config.rule.beams_sample": Text(
        "1 where answers are drawn: leave do_sample and temperature out",
        "采样时只能为 1：请去掉 do_sample 和 temperature",
    ),
    "config.rule.beams_engine": Text(
        "1 with this infer_backend: only huggingface searches beams",
        "使用该 infer_backend 时只能为 1：只有 huggingface 支持束搜索",
    ),
    "config.rule.dataset": Text(
        "a dataset: a registered name, or the path of a file such as ./my.jsonl",
        "请指定数据集：已登记的名称，或文件路径，如 ./my.jsonl",
    ),
    "config.rule.val_or_eval": Text(
        "only one of val_size and eval_dataset", "val_size 与 eval_dataset 只能选一个"
    ),
    "config.rule.val_size": Text(
        "a share below 1, or a whole number of rows", "应为小于 1 的比例，或整数条数"
    ),
    "config.rule.shares_interleave": Text(
        "mix_strategy: interleave_under or interleave_over beside it",
        "请同时设置 mix_strategy: interleave_under 或 interleave_over",
    ),
    "config.rule.shares_count": Text(
        "one share for each of the {count} datasets", "请为 {count} 个数据集各写一个比例"
    ),
    "config.rule.shares_sum": Text("shares that add up to 1", "各比例之和应为 1"),
    "config.rule.stream_steps": Text(
        "a number of steps: with streaming: true nobody knows how many rows an epoch has",
        "请给出步数：streaming: true 时无法得知一轮有多少条数据",
    ),
    "config.rule.stream_val_size": Text(
        "a number of rows (such as 100) with streaming: true, or an eval_dataset",
        "streaming: true 时请给出条数（如 100），或使用 eval_dataset",
    ),
    "config.rule.stream_tokens": Text(
        "that only one of streaming and tokenized_path is set", "streaming 与 tokenized_path 只能设置一个"
    ),
    "config.rule.eval_rows": Text(
        "rows to evaluate on: set val_size (such as 0.1) or eval_dataset",
        "需要用于评估的数据：请设置 val_size（如 0.1）或 eval_dataset",
    ),
    "config.rule.best_needs_eval": Text(
        "evaluation during training: set val_size or eval_dataset",
        "训练中需要评估：请设置 val_size 或 eval_dataset",
    ),
    "config.rule.save_as_eval": Text(
        "'{when}', as eval_strategy, because load_best_model_at_end is true",
        "应为 '{when}'（与 eval_strategy 一致），因为 load_best_model_at_end 为 true",
    ),
    "config.rule.early_stopping": Text(
        "load_best_model_at_end: true, so that the best model is kept",
        "请同时设置 load_best_model_at_end: true，以便保留最好的模型",
    ),
    "config.rule.max_steps": Text("-1 (by epochs) or at least 1", "应为 -1（按轮数）或不小于 1"),
    "config.rule.whole_steps": Text(
        "a whole number of steps, or a share of all steps below 1", "应为整数步数，或小于 1 的总步数比例"
    ),
    "config.rule.adapter": Text(
        "no adapter with finetuning_type {kind}: merge it first with `conch export`",
        "finetuning_type 为 {kind} 时不能带适配器：请先用 `conch export` 合并",
    ),
    "config.rule.pissa_dora": Text(
        "only one of pissa_init and use_dora", "pissa_init 与 use_dora 只能选一个"
    ),
    "config.rule.freeze_layers": Text(
        "a number of layers: from the end if positive, from the start if negative",
        "应为层数：正数从末尾算起，负数从开头算起",
    ),
    "config.passthrough": Text(
        "Handed on to transformers.TrainingArguments.{key}.",
        "原样传给 transformers.TrainingArguments.{key}。",
    ),
}
