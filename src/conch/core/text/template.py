"""What is said about chat templates: which one is used, and what it can't write."""

from conch.core.text.entry import Text

TEXTS = {
    # which template
    "template.unknown": Text("There is no chat template '{name}'.", "没有名为 '{name}' 的对话模板。"),
    "template.unknown.fix": Text(
        "Leave template out to use the model's own, or use one of: {known}; or the path of a Jinja file.",
        "去掉 template 即使用模型自带的模板；也可使用：{known}，或写 Jinja 文件的路径。",
    ),
    "template.misspelt": Text("There is no chat template '{name}'.", "没有名为 '{name}' 的对话模板。"),
    "template.misspelt.fix": Text(
        "Did you mean '{close}'? Leave template out to use the model's own.",
        "您是想写 '{close}' 吗？去掉 template 即使用模型自带的模板。",
    ),
    "template.not_kept": Text(
        "The model has no chat template of its own, and '{name}' is none that Conch keeps.",
        "模型没有自带的对话模板，而 Conch 也没有收录 '{name}'。",
    ),
    "template.not_kept.fix": Text(
        "Use one of: {known}; or the path of a Jinja file.", "请使用：{known}，或写 Jinja 文件的路径。"
    ),
    "template.own_wins": Text(
        "template: {name} differs from the model's own chat template; the model's own is used. "
        "To use the other one all the same, set template: {file}",
        "template: {name} 与模型自带的对话模板不同；将使用模型自带的模板。如确要使用前者，请设置 template: {file}",
    ),
    "template.not_compared": Text(
        "template: {name} is not kept here to compare with; the model's own chat template is used.",
        "这里没有收录 template: {name}，无法比较；将使用模型自带的对话模板。",
    ),
    "template.no_end_token": Text(
        "The tokenizer has no token {end}, which ends an answer in this chat template; {used} ends it instead.",
        "分词器没有该对话模板用于结束回答的词元 {end}，改用 {used} 结束回答。",
    ),
    "template.plain_end": Text(
        "Behind an answer this chat template writes {end}, which is not one token; {used} ends the answer.",
        "该对话模板在回答之后写入 {end}，它不是单个词元；将以 {used} 结束回答。",
    ),
    # what it can't write
    "template.no_tools": Text(
        "the model's chat template doesn't write descriptions of functions", "模型的对话模板无法写出函数说明"
    ),
    "template.no_tools.fix": Text(
        "Use a model whose template does, or one that does as a file (such as template: {example}), or take "
        "the row out.",
        "请使用模板支持函数的模型，或以文件形式指定支持的模板（如 template: {example}），或删除该条。",
    ),
    "template.no_calls": Text(
        "the model's chat template doesn't write calls of functions", "模型的对话模板无法写出函数调用"
    ),
    "template.no_calls.fix": Text(
        "Use a model whose template does, or one that does as a file (such as template: {example}), or take "
        "the row out.",
        "请使用模板支持函数调用的模型，或以文件形式指定支持的模板（如 template: {example}），或删除该条。",
    ),
    # rows
    "template.no_answer": Text("there is no answer to train on", "其中没有可训练的回答"),
    "template.no_answer.fix": Text("Add the answer, or take the row out.", "请补上回答，或删除该条。"),
    "template.end_untrained": Text(
        "the token that ends the answer would not be trained", "表示回答结束的词元不会参与训练"
    ),
    "template.end_untrained.fix": Text(
        "Please report this with the name of the model; until then take the row out.",
        "请附上模型名称反馈此问题；暂时请删除该条。",
    ),
    "template.no_text": Text("the text is empty", "文本为空"),
    "template.no_text.fix": Text("Take the row out.", "请删除该条。"),
}
