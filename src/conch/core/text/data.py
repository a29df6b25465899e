"""What is said about datasets."""

from conch.core.text.entry import Text

TEXTS = {
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
    "data.is_folder": Text("{file} is a folder, not a dataset file.", "{file} 是文件夹，不是数据集文件。"),
    "data.is_folder.fix": Text("Name a file in it.", "请指定其中的文件。"),
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
    "data.registry_not_object": Text(
        "{file} holds no JSON object of dataset descriptions.", "{file} 中不是由数据集描述组成的 JSON 对象。"
    ),
    "data.registry_not_object.fix": Text(
        'It should look like {{"my_data": {{"file_name": "my_data.json"}}}}.',
        '它应形如 {{"my_data": {{"file_name": "my_data.json"}}}}。',
    ),
    "data.entry_not_object": Text(
        "The description of dataset '{name}' in {file} is not a JSON object.",
        "{file} 中数据集 '{name}' 的描述不是 JSON 对象。",
    ),
    "data.entry_not_object.fix": Text('Write {{"file_name": "…"}}.', '请写成 {{"file_name": "…"}}。'),
    "data.formatting_later": Text(
        "Dataset '{name}' in {file} asks for '{formatting}', which is not read yet.",
        "{file} 中的数据集 '{name}' 要求 '{formatting}'，目前尚不支持。",
    ),
    "data.formatting_later.fix": Text(
        "Give its rows in the alpaca format (instruction, input, output).",
        "请改用 alpaca 格式（instruction、input、output）。",
    ),
    "data.entry_unread": Text(
        "The description of dataset '{name}' in {file} can't be used: {keys}.",
        "{file} 中数据集 '{name}' 的描述无法使用：{keys}。",
    ),
    "data.entry_unread.fix": Text(
        "It needs file_name, and takes columns and num_samples.",
        "需要 file_name，可选 columns 和 num_samples。",
    ),
    "data.columns_unread": Text(
        "The columns of dataset '{name}' in {file} name unknown parts: {keys}.",
        "{file} 中数据集 '{name}' 的 columns 含有未知项：{keys}。",
    ),
    "data.columns_unread.fix": Text(
        "Use prompt, query, response, system, history.", "请使用 prompt、query、response、system、history。"
    ),
    "data.unreadable": Text(
        "The dataset file {file} can't be read: {reason}.", "无法读取数据集文件 {file}：{reason}。"
    ),
    "data.unreadable.fix": Text("Check its permissions.", "请检查文件权限。"),
    "data.not_utf8": Text(
        "{file} line {line} is not UTF-8 text (it looks like {guess}).",
        "{file} 第 {line} 行不是 UTF-8 文本（看起来像 {guess}）。",
    ),
    "data.not_utf8.fix": Text(
        "Convert it: iconv -f {guess} -t UTF-8 {file} > converted.json",
        "请转换编码：iconv -f {guess} -t UTF-8 {file} > converted.json",
    ),
    "data.empty": Text("{file} holds no rows.", "{file} 中没有任何数据行。"),
    "data.empty.fix": Text(
        'Give at least one row such as {{"instruction": "…", "output": "…"}}.',
        '至少写一行，例如 {{"instruction": "…", "output": "…"}}。',
    ),
    "data.not_json": Text(
        "{file} line {line} column {column} is not JSON: {reason}.",
        "{file} 第 {line} 行第 {column} 列不是合法的 JSON：{reason}。",
    ),
    "data.not_json.fix": Text(
        "Look there for a missing comma, quote or bracket.", "请检查该处是否缺少逗号、引号或括号。"
    ),
    "data.not_array": Text(
        "{file} holds one JSON {found}, not an array of rows.",
        "{file} 中是一个 JSON {found}，而不是由行组成的数组。",
    ),
    "data.not_array.fix": Text("Put the rows between [ and ].", "请把各行放在 [ 和 ] 之间。"),
    "data.row_not_object": Text(
        "{file} row {row} is a JSON {found}, not an object.", "{file} 第 {row} 条是 JSON {found}，不是对象。"
    ),
    "data.row_not_object.fix": Text(
        'Write it as {{"instruction": "…", "output": "…"}}.', '请写成 {{"instruction": "…", "output": "…"}}。'
    ),
    "data.no_column": Text(
        "{file} row {row} has no '{column}'; it has: {columns}.",
        "{file} 第 {row} 条缺少 '{column}'；已有：{columns}。",
    ),
    "data.no_column.fix": Text(
        "Add it, or name the right column under `columns` in dataset_info.json.",
        "请补上，或在 dataset_info.json 的 `columns` 中写明对应的列名。",
    ),
    "data.not_text": Text(
        "{file} row {row}: '{column}' is a JSON {found}, not text.",
        "{file} 第 {row} 条：'{column}' 是 JSON {found}，不是文本。",
    ),
    "data.not_text.fix": Text("Put it between quotes.", "请用引号括起来。"),
    "data.blank": Text("{file} row {row}: '{column}' is blank.", "{file} 第 {row} 条：'{column}' 为空白。"),
    "data.blank.fix": Text("Fill it in, or take the row out.", "请填写内容，或删除该条。"),
    "data.half_letter": Text(
        "{file} row {row}: '{column}' holds half of a letter ({half}).",
        "{file} 第 {row} 条：'{column}' 含有半个字符（{half}）。",
    ),
    "data.half_letter.fix": Text(
        "Write the letter itself, or both halves of its \\u escape.",
        "请直接写出该字符，或写全它的两个 \\u 转义。",
    ),
    "data.history": Text(
        "{file} row {row}: '{column}' is not a list of [question, answer] pairs.",
        "{file} 第 {row} 条：'{column}' 不是由 [问, 答] 组成的列表。",
    ),
    "data.history.fix": Text('Write it as [["question", "answer"], …].', '请写成 [["问题", "回答"], …]。'),
    "data.val_too_large": Text(
        "val_size {val_size} leaves none of the {rows} rows for training.",
        "val_size 为 {val_size} 时，{rows} 行数据中没有剩下可训练的。",
    ),
    "data.val_too_large.fix": Text(
        "Use a share such as 0.1, or a smaller count.", "请使用如 0.1 的比例，或更小的行数。"
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
