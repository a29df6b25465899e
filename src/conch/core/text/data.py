"""What is said about datasets: their files, their registry, their hub. Rows have texts of their own (`check`)."""

from conch.core.text.entry import Text

TEXTS = {
    # finding one
    "data.unknown_name": Text("There is no dataset '{name}'.", "没有名为 '{name}' 的数据集。"),
    "data.unknown_name.fix": Text(
        "Known names: {known}. A file is used by its path, such as ./{name}.json",
        "已知的名称：{known}。使用文件请写路径，例如 ./{name}.json",
    ),
    "data.no_file": Text("There is no dataset file {file}.", "数据集文件 {file} 不存在。"),
    "data.no_file.fix": Text(
        "Check the path; it is taken relative to the current folder, then to dataset_dir.",
        "请检查路径；相对路径先按当前文件夹，再按 dataset_dir 查找。",
    ),
    "data.no_files": Text("There is no dataset file in {folder}.", "{folder} 中没有数据集文件。"),
    "data.no_files.fix": Text("Put files of these kinds there: {formats}", "请放入以下类型的文件：{formats}"),
    "data.too_many_files": Text(
        "{folder} holds {count} dataset files.", "{folder} 中有 {count} 个数据集文件。"
    ),
    "data.too_many_files.fix": Text("Join them into fewer files.", "请合并成较少的文件。"),
    "data.no_part": Text("{folder} has no folder '{part}'.", "{folder} 中没有文件夹 '{part}'。"),
    "data.no_part.fix": Text(
        "Correct `folder` or `subset` in dataset_info.json; a single file has neither.",
        "请改正 dataset_info.json 中的 `folder` 或 `subset`；单个文件不能写这两项。",
    ),
    "data.unknown_format": Text(
        "{file} is not a kind of dataset file that is read.", "{file} 不是可读取的数据集文件类型。"
    ),
    "data.unknown_format.fix": Text("Use one of: {formats}", "请使用以下类型之一：{formats}"),
    "data.no_dataset_dir": Text(
        "There is no folder {folder} (dataset_dir).", "文件夹 {folder}（dataset_dir）不存在。"
    ),
    "data.no_dataset_dir.fix": Text(
        "Correct dataset_dir, or leave it out to use files by path.",
        "请改正 dataset_dir，或去掉它并直接写文件路径。",
    ),
    # reading files
    "data.unreadable": Text(
        "The dataset file {file} can't be read: {reason}.", "无法读取数据集文件 {file}：{reason}。"
    ),
    "data.unreadable.fix": Text("Check its permissions.", "请检查文件权限。"),
    "data.damaged": Text(
        "The dataset file {file} is damaged: {reason}.", "数据集文件 {file} 已损坏：{reason}。"
    ),
    "data.damaged.fix": Text(
        "Get the file again, or save it anew; its ending must name its kind.",
        "请重新获取或重新保存该文件；扩展名必须与文件类型一致。",
    ),
    "data.bomb": Text(
        "{file} unpacks to far more than its size promises; it was not read on.",
        "{file} 解压后的大小远超其体积，已停止读取。",
    ),
    "data.bomb.fix": Text("Unpack it yourself if you trust it.", "如果信任该文件，请自行解压后使用。"),
    "data.encrypted": Text("{file} is protected by a password.", "{file} 有密码保护。"),
    "data.encrypted.fix": Text("Unpack it first.", "请先解压。"),
    "data.nested_archive": Text("{file} is an archive inside of an archive.", "{file} 是压缩包中的压缩包。"),
    "data.nested_archive.fix": Text("Unpack the outer one first.", "请先解压外层的压缩包。"),
    "data.unsafe_member": Text(
        "The archive {file} holds '{member}', a name that leads out of it.",
        "压缩包 {file} 中的 '{member}' 指向压缩包之外。",
    ),
    "data.unsafe_member.fix": Text(
        "Don't unpack it. Get the archive from another source.", "请不要解压，并换一个来源获取。"
    ),
    "data.empty": Text("{file} holds no rows.", "{file} 中没有任何数据。"),
    "data.empty.fix": Text(
        'Give at least one row such as {{"instruction": "…", "output": "…"}}.',
        '请至少写一条，例如 {{"instruction": "…", "output": "…"}}。',
    ),
    "data.not_array": Text(
        "{file} holds one JSON {found}, not an array of rows.",
        "{file} 中是一个 JSON {found}，而不是由数据组成的数组。",
    ),
    "data.not_array.fix": Text("Put the rows between [ and ].", "请把各条数据放在 [ 和 ] 之间。"),
    # telling the format
    "data.unrecognised": Text(
        "The format of {file} was not recognised. Its rows have: {columns}.",
        "无法识别 {file} 的格式。已有的列：{columns}。",
    ),
    "data.unrecognised.fix": Text(
        "Say which columns hold what: conch data add FILE --column prompt=COLUMN --column response=COLUMN. "
        "Formats: {formats}",
        "请说明各列的含义：conch data add FILE --column prompt=COLUMN --column response=COLUMN。可用格式：{formats}",
    ),
    "data.not_of_format": Text(
        "The rows of {file} don't look like {format}. They have: {columns}.",
        "{file} 的数据不像 {format} 格式。已有的列：{columns}。",
    ),
    "data.not_of_format.fix": Text(
        "Name the columns: --column prompt=COLUMN --column response=COLUMN, or choose another format.",
        "请指明各列：--column prompt=COLUMN --column response=COLUMN，或换用其他格式。",
    ),
    "data.no_such_column": Text(
        "The rows of {file} have no column '{column}'.", "{file} 的数据没有 '{column}' 列。"
    ),
    "data.no_such_column.fix": Text("They have: {columns}", "已有的列：{columns}"),
    "data.several_formats": Text(
        "The rows of {file} could be of more than one format: {formats}.",
        "{file} 的数据可能是多种格式：{formats}。",
    ),
    "data.several_formats.fix": Text(
        "Say which: conch data add FILE --format FORMAT",
        "请指定其中一种：conch data add FILE --format FORMAT",
    ),
    "data.several_columns": Text(
        "In {file}, more than one column could be the {part}: {columns}.",
        "{file} 中有多列可能是 {part}：{columns}。",
    ),
    "data.several_columns.fix": Text(
        "Say which: conch data add FILE --column {part}=COLUMN",
        "请指定其中一列：conch data add FILE --column {part}=COLUMN",
    ),
    "data.other_kind": Text(
        "Dataset '{name}' has the format {format}, which is not what stage {stage} trains on.",
        "数据集 '{name}' 是 {format} 格式，不适用于 {stage} 阶段。",
    ),
    "data.other_kind.fix": Text(
        "Set stage: {right}, or choose another dataset.", "请设置 stage: {right}，或换用其他数据集。"
    ),
    # registries
    "data.registry_not_object": Text(
        "{file} holds no JSON object of dataset descriptions.", "{file} 中不是由数据集描述组成的 JSON 对象。"
    ),
    "data.registry_not_object.fix": Text(
        'It should look like {{"my_data": {{"file_name": "my_data.json"}}}}.',
        '它应形如 {{"my_data": {{"file_name": "my_data.json"}}}}。',
    ),
    "data.registry_unwritable": Text("{file} can't be written: {reason}.", "无法写入 {file}：{reason}。"),
    "data.registry_unwritable.fix": Text(
        "Check its permissions and the room on the disk, or set CONCH_HOME to another folder.",
        "请检查权限和磁盘空间，或把 CONCH_HOME 设到其他文件夹。",
    ),
    "data.entry_not_object": Text(
        "The description of dataset '{name}' in {file} is not a JSON object.",
        "{file} 中数据集 '{name}' 的描述不是 JSON 对象。",
    ),
    "data.entry_not_object.fix": Text('Write {{"file_name": "…"}}.', '请写成 {{"file_name": "…"}}。'),
    "data.entry_unread": Text(
        "The description of dataset '{name}' in {file} can't be used: {keys}.",
        "{file} 中数据集 '{name}' 的描述无法使用：{keys}。",
    ),
    "data.entry_unread.fix": Text(
        "It needs file_name or hf_hub_url as text; formatting is alpaca, sharegpt or openai; columns and tags map "
        "names to names; num_samples is a whole number; only a hub dataset has a split.",
        "需要文本形式的 file_name 或 hf_hub_url；formatting 为 alpaca、sharegpt 或 openai；columns 和 tags "
        "是名称到名称的映射；num_samples 为整数；只有站点上的数据集才有 split。",
    ),
    "data.unknown_key": Text(
        "The description of dataset '{name}' in {file} has an unknown key '{key}'.",
        "{file} 中数据集 '{name}' 的描述含有未知的键 '{key}'。",
    ),
    "data.unknown_key.fix": Text("Did you mean: {known}?", "您是想写：{known}？"),
    "data.script_url": Text(
        "Dataset '{name}' in {file} is made by a script, which would run on this machine.",
        "{file} 中的数据集 '{name}' 由脚本生成，会在本机执行代码。",
    ),
    "data.script_url.fix": Text(
        "Scripts are never run. Use a copy in JSON lines or Parquet: conch data add FILE",
        "我们从不运行脚本。请使用 JSON lines 或 Parquet 形式的副本：conch data add FILE",
    ),
    "data.cloud_file_name": Text(
        "Dataset '{name}' in {file} lies in cloud storage, which is not read.",
        "{file} 中的数据集 '{name}' 位于云存储，暂不支持读取。",
    ),
    "data.cloud_file_name.fix": Text(
        "Copy it to this machine and register it: conch data add FILE",
        "请复制到本机后登记：conch data add FILE",
    ),
    "data.other_hub": Text(
        "Dataset '{name}' in {file} is only on another hub ({key}: {repo}), from which datasets are not fetched.",
        "{file} 中的数据集 '{name}' 只在另一个站点上（{key}：{repo}），暂不支持从该站点获取数据集。",
    ),
    "data.other_hub.fix": Text(
        "Download its files and register them: conch data add FOLDER, or give its hf_hub_url or ms_hub_url.",
        "请下载其文件后登记：conch data add FOLDER，或给出 hf_hub_url 或 ms_hub_url。",
    ),
    "data.media_later": Text(
        "Dataset '{name}' in {file} has {parts}, which can't be trained on yet.",
        "{file} 中的数据集 '{name}' 含有 {parts}，目前尚不能用于训练。",
    ),
    "data.media_later.fix": Text("Use a dataset of text.", "请使用纯文本数据集。"),
    "data.not_kept_here": Text(
        "The dataset {name} came from a file of yours, which is left as it is.",
        "数据集 {name} 来自您自己的文件，不会被改动。",
    ),
    "data.not_kept_here.fix": Text(
        "Choose another name: a new dataset is begun under it.", "请换一个名称，系统会以此新建数据集。"
    ),
    "data.name_taken": Text("There is a dataset '{name}' already.", "已有名为 '{name}' 的数据集。"),
    "data.name_taken.fix": Text(
        "Choose another name with --name, or forget the old one: conch data remove {name}",
        "请用 --name 另取名称，或先移除旧的：conch data remove {name}",
    ),
    "data.bad_name": Text("'{name}' can't be the name of a dataset.", "'{name}' 不能作为数据集名称。"),
    "data.bad_name.fix": Text(
        "Use letters, digits, dots, hyphens and underscores: --name my_data",
        "请使用文字、数字、点、连字符和下划线：--name my_data",
    ),
    "data.bad_column": Text(
        "--column {given} is not of the form ROLE=COLUMN.", "--column {given} 不是 ROLE=COLUMN 的形式。"
    ),
    "data.bad_column.fix": Text("ROLE is one of: {known}", "ROLE 可以是：{known}"),
    "data.not_registered": Text(
        "You have registered no dataset '{name}'.", "您没有登记名为 '{name}' 的数据集。"
    ),
    "data.not_registered.fix": Text("Registered: {known}", "已登记：{known}"),
    # the hub
    "data.hub_no_repo": Text(
        "There is neither a file {repo} nor a dataset of that name on the hub that you may see.",
        "既没有文件 {repo}，站点上也没有您可以访问的同名数据集。",
    ),
    "data.hub_no_repo.fix": Text(
        "Check the name; for a private dataset set the variable HF_TOKEN.",
        "请检查名称；私有数据集请设置环境变量 HF_TOKEN。",
    ),
    "data.hub_gated": Text(
        "The dataset {repo} is only for users who accepted its terms.",
        "数据集 {repo} 仅对已接受其条款的用户开放。",
    ),
    "data.hub_gated.fix": Text(
        "Accept the terms on the hub's page and set the variable HF_TOKEN.",
        "请在数据集页面接受条款，并设置环境变量 HF_TOKEN。",
    ),
    "data.hub_no_revision": Text(
        "The dataset {repo} has no revision '{revision}'.", "数据集 {repo} 没有版本 '{revision}'。"
    ),
    "data.hub_no_revision.fix": Text("Correct `revision`, or leave it out.", "请改正或去掉 `revision`。"),
    "data.hub_no_files": Text(
        "The dataset {repo} has no data files that are read (it may need a script).",
        "数据集 {repo} 中没有可读取的数据文件（可能需要脚本）。",
    ),
    "data.hub_no_files.fix": Text(
        "Scripts are never run. Look for a copy of it in Parquet or JSON lines; check `folder`.",
        "我们从不运行脚本。请寻找 Parquet 或 JSON lines 形式的副本，并检查 `folder`。",
    ),
    "data.hub_which_subset": Text("The dataset {repo} has several subsets.", "数据集 {repo} 有多个子集。"),
    "data.hub_which_subset.fix": Text(
        "Choose one: conch data add {repo} --subset SUBSET. There are: {known}",
        "请选择一个：conch data add {repo} --subset SUBSET。可选：{known}",
    ),
    "data.hub_no_subset": Text(
        "The dataset {repo} has no subset '{subset}'.", "数据集 {repo} 没有子集 '{subset}'。"
    ),
    "data.hub_no_subset.fix": Text("There are: {known}", "可选：{known}"),
    "data.hub_no_split": Text(
        "The dataset {repo} has no split '{split}'.", "数据集 {repo} 没有 '{split}' 部分。"
    ),
    "data.hub_no_split.fix": Text(
        "Choose another: conch data add {repo} --split SPLIT. There are: {known}",
        "请另选：conch data add {repo} --split SPLIT。可选：{known}",
    ),
    "data.hub_offline": Text(
        "There is neither a file {repo} nor, on this machine, a hub dataset of that name; HF_HUB_OFFLINE forbids "
        "the network.",
        "既没有文件 {repo}，本机也没有同名的站点数据集；HF_HUB_OFFLINE 禁止联网。",
    ),
    "data.hub_offline.fix": Text(
        "Unset HF_HUB_OFFLINE, or give a file on this machine.", "请取消 HF_HUB_OFFLINE，或给出本机文件。"
    ),
    "data.hub_error": Text(
        "The hub refused the dataset {repo}: {reason}.", "站点拒绝了数据集 {repo}：{reason}。"
    ),
    "data.hub_error.fix": Text("Try again later.", "请稍后再试。"),
    "data.hub_disk": Text(
        "The files of {repo} can't be kept in {folder}: {reason}.",
        "无法把 {repo} 的文件保存到 {folder}：{reason}。",
    ),
    "data.hub_disk.fix": Text(
        "Make room there, or name a folder on another disk with HF_HUB_CACHE (on ModelScope: MODELSCOPE_CACHE).",
        "请在该处腾出空间，或用 HF_HUB_CACHE（魔搭为 MODELSCOPE_CACHE）指定另一块磁盘上的文件夹。",
    ),
    "data.hub_unreachable": Text(
        "There is no file {repo}, and the hub can't be reached for a dataset of that name: {reason}.",
        "没有文件 {repo}，也无法从站点获取同名的数据集：{reason}。",
    ),
    "data.hub_unreachable.fix": Text(
        "Check the network, or choose a mirror: conch models source hf-mirror. If it was fetched before, "
        "HF_HUB_OFFLINE=1 uses that copy.",
        "请检查网络，或选择镜像站：conch models source hf-mirror。如果以前下载过，可设置 HF_HUB_OFFLINE=1 使用本机副本。",
    ),
    "data.hubs_failed": Text(
        "There is no file {repo}, and no hub serves a dataset of that name:{reasons}",
        "没有文件 {repo}，也没有站点能提供同名的数据集：{reasons}",
    ),
    "data.hubs_failed.fix": Text(
        "Check the network, or choose a mirror: conch models source hf-mirror. If it was fetched before, "
        "HF_HUB_OFFLINE=1 uses that copy.",
        "请检查网络，或选择镜像站：conch models source hf-mirror。如果以前下载过，可设置 HF_HUB_OFFLINE=1 使用本机副本。",
    ),
    "data.hub_next": Text(
        "The dataset {repo} comes from {hub}: {failed} could not serve it.",
        "数据集 {repo} 由 {hub} 提供：{failed} 无法提供。",
    ),
    "data.no_modelscope": Text(
        "{repo} is a dataset of ModelScope, whose client library is not installed.",
        "{repo} 是魔搭（ModelScope）上的数据集，但尚未安装其客户端库。",
    ),
    "data.no_modelscope.fix": Text("Run: pip install modelscope", "请运行：pip install modelscope"),
    # refusing, mending
    "data.bad_rows": Text("Dataset '{name}' can't be trained on:", "数据集 '{name}' 无法用于训练："),
    "data.bad_rows.fix": Text(
        "See all: conch data check {name}. Leave them out: conch data check {name} --fix FOLDER",
        "查看全部：conch data check {name}。去掉有问题的数据：conch data check {name} --fix FOLDER",
    ),
    "data.fix_target": Text("The folder {folder} is in use.", "文件夹 {folder} 已被占用。"),
    "data.fix_target.fix": Text(
        "Name a new or empty folder; the original is never changed.",
        "请指定新的或空的文件夹；原文件不会被修改。",
    ),
    "data.fix_inside": Text(
        "The folder {folder} is inside of the dataset, so the copy would become a part of it.",
        "文件夹 {folder} 在数据集内部，副本会成为数据集的一部分。",
    ),
    "data.fix_inside.fix": Text("Name a folder beside it.", "请指定数据集之外的文件夹。"),
    "data.fix_unwritable": Text(
        "The copy can't be written to {folder}: {reason}.", "无法将副本写入 {folder}：{reason}。"
    ),
    "data.fix_unwritable.fix": Text(
        "Check its permissions and the room on the disk.", "请检查权限和磁盘空间。"
    ),
    "data.cannot_mend": Text("{file} can't be mended: {reason}.", "无法修复 {file}：{reason}。"),
    "data.cannot_mend.fix": Text("Correct it by hand there, then check again.", "请手动改正该处后重新检查。"),
    "data.val_too_large": Text(
        "val_size {val_size} leaves none of the {rows} rows for training.",
        "val_size 为 {val_size} 时，{rows} 条数据中没有剩下可训练的。",
    ),
    "data.val_too_large.fix": Text(
        "Use a share such as 0.1, or a smaller count.", "请使用如 0.1 的比例，或更小的条数。"
    ),
    "data.stream_held_out": Text(
        "Held back from the stream for evaluation (val_size): {count} rows, drawn from among those at its "
        "beginning (buffer_size {buffer}). They are not trained on.",
        "流式读取：已按 val_size 划出 {count} 条用于评估，从数据开头（buffer_size {buffer}）的样本中随机抽取；"
        "这些样本不参与训练。",
    ),
    "data.nothing_trained": Text(
        "{file} row {row}: no token of the answer would be trained, since the prompt fills cutoff_len {cutoff} "
        "(the row has {length} tokens).",
        "{file} 第 {row} 条：提示已占满 cutoff_len {cutoff}（该条共 {length} 个词元），回答中没有可训练的词元。",
    ),
    "data.nothing_trained.fix": Text(
        "Set cutoff_len to {length} or more, shorten the prompt, or take the row out.",
        "请把 cutoff_len 设为不小于 {length}，缩短提示，或删除该条。",
    ),
    "data.template_refused": Text(
        "The model's chat template refuses a conversation with the roles {roles}: {reason}.",
        "模型的对话模板不接受角色为 {roles} 的对话：{reason}。",
    ),
    "data.template_refused.fix": Text(
        "Leave the system text out, or let user and assistant take turns.",
        "请去掉系统提示，或让 user 与 assistant 交替发言。",
    ),
}
