"""What is said about rows of a dataset: what is wrong, and what to do about it.

A text says what is wrong; `check.at_row` and `check.at_line` say where, too.
"""

from conch.core.text.entry import Text

TEXTS = {
    "check.at_row": Text("{file} row {row}: {reason}", "{file} 第 {row} 条：{reason}"),
    "check.at_line": Text("{file} line {row}: {reason}", "{file} 第 {row} 行：{reason}"),
    "check.with_remedy": Text("{message} {remedy}", "{message}{remedy}"),
    # scripts
    "check.script.latin": Text("Latin", "拉丁字母"),
    "check.script.zh": Text("Chinese", "中文"),
    "check.script.ja": Text("Japanese", "日文"),
    "check.script.ko": Text("Korean", "韩文"),
    "check.script.cyrillic": Text("Cyrillic", "西里尔字母"),
    "check.script.arabic": Text("Arabic", "阿拉伯文"),
    "check.script.thai": Text("Thai", "泰文"),
    "check.script.devanagari": Text("Devanagari", "天城文"),
    "check.script.other": Text("other", "其他文字"),
    # what JSON calls a value
    "check.json.object": Text("object", "对象"),
    "check.json.array": Text("array", "数组"),
    "check.json.string": Text("string", "字符串"),
    "check.json.boolean": Text("boolean", "布尔值"),
    "check.json.number": Text("number", "数字"),
    "check.json.null": Text("null", "空值（null）"),
    # what stands in the file
    "check.not_json": Text(
        "not JSON, at column {column}: {reason}.", "第 {column} 列不是合法的 JSON：{reason}。"
    ),
    "check.not_json.fix": Text(
        "Look there for a missing comma, quote or bracket.", "请检查该处是否缺少逗号、引号或括号。"
    ),
    "check.not_utf8": Text(
        "not UTF-8 text (it looks like {guess}).", "不是 UTF-8 文本（看起来是 {guess} 编码）。"
    ),
    "check.not_utf8.fix": Text(
        "Convert the file: iconv -f {guess} -t UTF-8 {file} > converted",
        "请转换文件编码：iconv -f {guess} -t UTF-8 {file} > converted",
    ),
    "check.long_line": Text("the line is longer than {mib} MiB.", "该行超过 {mib} MiB。"),
    "check.long_line.fix": Text("Split it, or take it out.", "请拆分或删除该行。"),
    "check.not_object": Text("a JSON {found}, not an object.", "是 JSON {found}，不是对象。"),
    "check.not_object.fix": Text(
        'Write it as {{"instruction": "…", "output": "…"}}.', '请写成 {{"instruction": "…", "output": "…"}}。'
    ),
    "check.bad_table": Text(
        "the table can't be read from here on: {reason}.", "表格从这里开始无法读取：{reason}。"
    ),
    "check.bad_table.fix": Text("Look for a quote that is never closed.", "请检查是否有未闭合的引号。"),
    "check.too_many_cells": Text(
        "{found} cells, but only {expected} columns have a name.",
        "有 {found} 个单元格，但只有 {expected} 列有列名。",
    ),
    "check.too_many_cells.fix": Text(
        "Put cells that hold the delimiter between quotes, and name every column in the first line.",
        "含有分隔符的单元格请加引号，并在首行写出每一列的列名。",
    ),
    # cells
    "check.no_column": Text(
        "there is no '{column}'; there is: {columns}.", "缺少 '{column}'；已有：{columns}。"
    ),
    "check.no_column.fix": Text(
        "Add it, or name the right column: conch data add FILE --column ROLE=COLUMN",
        "请补上，或指明对应的列：conch data add FILE --column ROLE=COLUMN",
    ),
    "check.null": Text("'{column}' holds nothing (null).", "'{column}' 没有内容（null）。"),
    "check.null.fix": Text("Fill it in, or take the row out.", "请填写内容，或删除该条。"),
    "check.empty": Text("'{column}' is empty.", "'{column}' 为空。"),
    "check.empty.fix": Text("Fill it in, or take the row out.", "请填写内容，或删除该条。"),
    "check.blank": Text("'{column}' holds white space only.", "'{column}' 只有空白字符。"),
    "check.blank.fix": Text("Fill it in, or take the row out.", "请填写内容，或删除该条。"),
    "check.not_text": Text(
        "'{column}' is a JSON {found}, not text.", "'{column}' 是 JSON {found}，不是文本。"
    ),
    "check.not_text.fix": Text("Put it between quotes.", "请用引号括起来。"),
    "check.half_letter": Text(
        "'{column}' holds half of a letter ({half}).", "'{column}' 含有半个字符（{half}）。"
    ),
    "check.half_letter.fix": Text(
        "Write the letter itself, or both halves of its \\u escape.",
        "请直接写出该字符，或写全它的两个 \\u 转义。",
    ),
    "check.history": Text(
        "'{column}' is not a list of [question, answer] pairs.", "'{column}' 不是由 [问, 答] 组成的列表。"
    ),
    "check.history.fix": Text('Write it as [["question", "answer"], …].', '请写成 [["问题", "回答"], …]。'),
    "check.media": Text(
        "'{column}' holds images, video or audio, which can't be trained on yet.",
        "'{column}' 含有图像、视频或音频，目前尚不能用于训练。",
    ),
    "check.media.fix": Text("Take the row out, or keep its text only.", "请删除该条，或只保留文本。"),
    "check.not_a_tag": Text(
        "'{column}' is a JSON {found}, not true or false.", "'{column}' 是 JSON {found}，不是 true 或 false。"
    ),
    "check.not_a_tag.fix": Text(
        "Write true where the answer was liked, else false.", "喜欢的回答写 true，否则写 false。"
    ),
    # messages
    "check.not_messages": Text(
        "'{column}' is a JSON {found}, not a list of messages.", "'{column}' 是 JSON {found}，不是消息列表。"
    ),
    "check.not_messages.fix": Text(
        'Write it as [{{"role": "user", "content": "…"}}, …].',
        '请写成 [{{"role": "user", "content": "…"}}, …]。',
    ),
    "check.not_message": Text(
        "'{column}' is a JSON {found}, not a message.", "'{column}' 是 JSON {found}，不是一条消息。"
    ),
    "check.not_message.fix": Text(
        'Write it as {{"role": "user", "content": "…"}}.', '请写成 {{"role": "user", "content": "…"}}。'
    ),
    "check.no_role": Text(
        "'{column}' doesn't say who speaks: there is no text under '{tag}', only: {keys}.",
        "'{column}' 没有说明发言者：'{tag}' 下没有文本，只有：{keys}。",
    ),
    "check.no_role.fix": Text(
        "Add it, or name the right key under `tags` in dataset_info.json.",
        "请补上，或在 dataset_info.json 的 `tags` 中写明对应的键。",
    ),
    "check.unknown_role": Text(
        "'{column}' is of an unknown role '{role}'.", "'{column}' 的角色 '{role}' 无法识别。"
    ),
    "check.unknown_role.fix": Text(
        "Use one of {known}, or name the role under `tags` in dataset_info.json.",
        "请使用 {known} 之一，或在 dataset_info.json 的 `tags` 中写明该角色。",
    ),
    "check.first_turn": Text(
        "the first turn is of {role}, not of user.", "第一轮的角色是 {role}，应为 user。"
    ),
    "check.first_turn.fix": Text(
        "Let the conversation begin with the user, after an optional system text.",
        "对话应以 user 开始（前面可以有系统提示）。",
    ),
    "check.turn_order": Text(
        "turn {turn} is of {role}, right after one of {before}.",
        "第 {turn} 轮的角色是 {role}，紧跟在 {before} 之后。",
    ),
    "check.turn_order.fix": Text(
        "Let user and assistant take turns; join what one of them says twice.",
        "请让 user 与 assistant 轮流发言；同一方连续的发言请合并。",
    ),
    "check.last_turn": Text(
        "the last turn is of {role}: nothing answers it.", "最后一轮的角色是 {role}，没有回答。"
    ),
    "check.last_turn.fix": Text("Add the answer, or take that turn out.", "请补上回答，或删除该轮。"),
    "check.no_answer": Text("there is no turn of the assistant to train.", "没有可训练的 assistant 发言。"),
    "check.no_answer.fix": Text("Add the answer, or take the row out.", "请补上回答，或删除该条。"),
    "check.answered_already": Text(
        "there is no question that the answers could answer: the turns before end with the assistant.",
        "回答没有对应的问题：之前的对话以 assistant 结束。",
    ),
    "check.answered_already.fix": Text(
        "Let the conversation end with what is answered.", "请让对话以被回答的内容结束。"
    ),
    "check.all_untrained": Text(
        "every answer has weight 0, so none is trained.", "所有回答的 weight 都是 0，没有任何内容参与训练。"
    ),
    "check.all_untrained.fix": Text(
        "Give one of them weight 1, or take the row out.", "请把其中一个的 weight 设为 1，或删除该条。"
    ),
    "check.not_an_answer": Text(
        "'{column}' ends with {role}, not with the assistant.",
        "'{column}' 以 {role} 结束，应以 assistant 结束。",
    ),
    "check.not_an_answer.fix": Text("Let it end with the answer.", "请让它以回答结束。"),
    "check.other_prompt": Text(
        "'{column}' and '{other}' answer different conversations.",
        "'{column}' 与 '{other}' 回答的不是同一段对话。",
    ),
    "check.other_prompt.fix": Text(
        "Let both be the same up to their last turn.", "两者除最后一轮外应完全相同。"
    ),
    # tools
    "check.tools": Text("'{column}' is not a list of tools.", "'{column}' 不是工具列表。"),
    "check.tools.fix": Text(
        'Write it as [{{"name": "…", "description": "…", "parameters": {{…}}}}, …].',
        '请写成 [{{"name": "…", "description": "…", "parameters": {{…}}}}, …]。',
    ),
    "check.tool_json": Text(
        "'{column}' is not a call of a tool in JSON.", "'{column}' 不是 JSON 形式的工具调用。"
    ),
    "check.tool_json.fix": Text(
        'Write it as {{"name": "…", "arguments": {{…}}}}.', '请写成 {{"name": "…", "arguments": {{…}}}}。'
    ),
    "check.result_without_call": Text(
        "turn {turn} is a tool's result, but no tool was called.",
        "第 {turn} 轮是工具结果，但之前没有调用工具。",
    ),
    "check.result_without_call.fix": Text(
        "Add the call to the assistant's turn before it, or take the result out.",
        "请在前一轮 assistant 中补上调用，或删除该结果。",
    ),
    "check.result_of_other_call": Text(
        "turn {turn} is the result of a call '{id}' that the assistant did not make.",
        "第 {turn} 轮是调用 '{id}' 的结果，但 assistant 没有发出该调用。",
    ),
    "check.result_of_other_call.fix": Text(
        "Let tool_call_id name a call of the assistant's turn before it.",
        "tool_call_id 应对应前一轮 assistant 中的某个调用。",
    ),
    # rows beside one another
    "check.row": Text("row {row}", "第 {row} 条"),
    "check.row_of": Text("{file} row {row}", " {file} 第 {row} 条"),
    "check.duplicate": Text("the same as {other}.", "与{other}相同。"),
    "check.duplicate.fix": Text(
        "Take it out: what is there twice is learnt by heart.", "请删除：重复的内容容易被死记硬背。"
    ),
    "check.near_duplicate": Text("{share} % the same as {other}.", "与{other}有 {share}% 相同。"),
    "check.near_duplicate.fix": Text("Look whether both are needed.", "请确认两条是否都需要。"),
    "check.in_eval": Text(
        "the same question is in the evaluation rows ({other}).", "评估数据（{other}）中有相同的问题。"
    ),
    "check.in_eval.fix": Text(
        "Take it out of one of the two, or the evaluation says too much good.",
        "请从其中一方删除，否则评估结果会偏高。",
    ),
    "check.same_answers": Text(
        "the chosen and the rejected answer are the same.", "被选中与被拒绝的回答相同。"
    ),
    "check.same_answers.fix": Text("Take the row out: it teaches nothing.", "请删除该条：它不提供任何信息。"),
    # what is said
    "check.placeholder": Text("a placeholder was left in: {found}", "留有未替换的占位符：{found}"),
    "check.placeholder.fix": Text("Put in what it stands for.", "请替换为实际内容。"),
    "check.language": Text(
        "the question is in {asked}, the answer in {answered} script.",
        "问题用{asked}，回答用{answered}。",
    ),
    "check.language.fix": Text(
        "Answer in the language of the question, unless another one is asked for.",
        "除非问题另有要求，请用提问的语言回答。",
    ),
    # tokens
    "check.template": Text("{reason}", "{reason}"),
    "check.template.fix": Text(
        "Change the row to what the model's chat template takes, or choose another template.",
        "请按模型的对话模板调整该条，或换用其他模板。",
    ),
    "check.nothing_trained": Text("no token of it would be trained.", "其中没有会参与训练的词元。"),
    "check.nothing_trained.fix": Text("Take the row out.", "请删除该条。"),
    "check.end_not_trained": Text(
        "the token that ends an answer would not be trained, so the model would not learn to stop.",
        "表示回答结束的词元不会参与训练，模型学不到何时停止。",
    ),
    "check.end_not_trained.fix": Text(
        "Choose a chat template that writes the end-of-turn token.", "请换用会写出结束词元的对话模板。"
    ),
    "check.long_prompt": Text(
        "the prompt alone has {prompt} tokens and fills cutoff_len {cutoff}; nothing of the answer is left "
        "(the row has {length} tokens).",
        "仅提示就有 {prompt} 个词元，占满了 cutoff_len {cutoff}，回答完全被截掉（该条共 {length} 个词元）。",
    ),
    "check.long_prompt.fix": Text(
        "Set cutoff_len to {length} or more, shorten the prompt, or take the row out.",
        "请把 cutoff_len 设为不小于 {length}，缩短提示，或删除该条。",
    ),
    "check.answer_cut": Text(
        "{length} tokens, more than cutoff_len {cutoff}: the end of the answer is cut off.",
        "共 {length} 个词元，超过 cutoff_len {cutoff}，回答的末尾会被截掉。",
    ),
    "check.answer_cut.fix": Text(
        "Set cutoff_len to {length} or more, or shorten the row.",
        "请把 cutoff_len 设为不小于 {length}，或缩短该条。",
    ),
    # the report
    "check.read_as": Text(
        "{name}: {rows} rows, read as {format} for stage {stage}  ({columns})",
        "{name}：{rows} 条，按 {format} 格式读取，用于 {stage} 阶段（{columns}）",
    ),
    "check.recognised": Text(
        "The format was recognised: {fitting} of the first {looked_at} rows fit it.",
        "格式为自动识别：前 {looked_at} 条中有 {fitting} 条符合。",
    ),
    "check.unused": Text("Columns that are not used: {columns}", "未使用的列：{columns}"),
    "check.error": Text("✗ {rule}: {count} error(s). {remedy}", "✗ {rule}：{count} 个错误。{remedy}"),
    "check.warning": Text("! {rule}: {count} warning(s). {remedy}", "! {rule}：{count} 个警告。{remedy}"),
    "check.more": Text("    … and {count} more", "    …… 另有 {count} 处"),
    "check.clean": Text("✓ Nothing was found.", "✓ 没有发现问题。"),
    "check.passed": Text(
        "✓ Training may start: no errors, {warnings} warning(s).",
        "✓ 可以开始训练：没有错误，{warnings} 个警告。",
    ),
    "check.failed": Text(
        "✗ Training would be refused: {errors} error(s), {warnings} warning(s).",
        "✗ 无法开始训练：{errors} 个错误，{warnings} 个警告。",
    ),
    "check.how_to_mend": Text(
        "A copy without the rows at fault: conch data check {name} --fix FOLDER",
        "生成去掉问题数据的副本：conch data check {name} --fix FOLDER",
    ),
    "check.mended": Text(
        "Written to {folder}: {kept} rows; {removed} taken out, listed in removed.jsonl",
        "已写入 {folder}：保留 {kept} 条，去掉 {removed} 条（见 removed.jsonl）",
    ),
}
