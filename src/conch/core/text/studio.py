"""What the studio's pages say."""

from conch.core.text.entry import Text

TEXTS = {
    # around the pages
    "studio.brand": Text("fine-tuning studio", "大模型微调工作台"),
    "studio.nav.models": Text("Models", "模型"),
    "studio.nav.data": Text("Data", "数据"),
    "studio.failed": Text("That did not work", "操作未成功"),
    "studio.done": Text("Done", "已完成"),
    "studio.copy": Text("Copy", "复制"),
    "studio.cancel": Text("Cancel", "取消"),
    "studio.remove": Text("Delete", "删除"),
    "studio.dismiss": Text("Hide", "隐藏"),
    "studio.ready": Text("The studio is at {url}", "工作台地址：{url}"),
    "studio.open": Text("From other machines: {url}", "从其他机器访问：{url}"),
    "studio.with_key": Text(
        "From other machines it asks for the key: add /?key=YOUR_KEY to the address once.",
        "从其他机器访问需要密钥：首次访问时请在地址后加上 /?key=您的密钥。",
    ),
    "studio.stopped": Text("The studio has stopped. Runs go on.", "工作台已停止，训练不受影响。"),
    # models
    "studio.models.about": Text(
        "The base models on this machine. Get one here, then fine-tune it or talk to it.",
        "本机的基座模型。先在这里获取模型，再进行微调或对话。",
    ),
    "studio.models.get": Text("Get a model", "获取模型"),
    "studio.models.name": Text("Model", "模型"),
    "studio.models.name_hint": Text(
        "smollm2-135m, or a hub id such as Qwen/Qwen3-0.6B",
        "smollm2-135m，或模型站点上的名称，如 Qwen/Qwen3-0.6B",
    ),
    "studio.models.no_name": Text("Which model?", "请填写模型名称。"),
    "studio.models.source": Text("From", "来源"),
    "studio.models.auto": Text("the quickest", "自动选择最快的"),
    "studio.models.fetch": Text("Download", "下载"),
    "studio.models.look": Text("Does it fit?", "本机能否运行"),
    "studio.models.starter": Text(
        "{name} is a small chat model for first steps: a download of {size}, and it fits any machine.",
        "{name} 是适合入门的小型对话模型：下载约 {size}，任何机器都能运行。",
    ),
    "studio.models.is_here": Text("already here", "已在本机"),
    "studio.models.to_fetch": Text("Download", "下载大小"),
    "studio.models.fits": Text("Can be fine-tuned here", "本机可微调方式"),
    "studio.models.full": Text("all weights", "全参数"),
    "studio.models.too_big": Text("too big for this machine", "超出本机内存"),
    "studio.models.foot": Text(
        "Estimated for one row of 1024 tokens in {dtype}, on {device} with {size} of memory.",
        "估算条件：单条 1024 个词元，数值格式 {dtype}，{device}，内存 {size}。",
    ),
    "studio.models.here": Text("On this machine", "本机模型"),
    "studio.models.none": Text("No model yet", "还没有模型"),
    "studio.models.none_what": Text(
        "Type smollm2-135m above and download it: a small model that fits any machine.",
        "在上方填写 smollm2-135m 并下载：这是一个任何机器都能运行的小模型。",
    ),
    "studio.models.no_template": Text("no chat template", "无对话模板"),
    "studio.models.column.name": Text("Model", "模型"),
    "studio.models.column.parameters": Text("Parameters", "参数量"),
    "studio.models.column.size": Text("On disk", "占用空间"),
    "studio.models.column.fits": Text("Can be fine-tuned here", "本机可微调方式"),
    "studio.models.column.actions": Text("Actions", "操作"),
    "studio.models.beginning": Text("Looking for the best source…", "正在选择下载来源…"),
    "studio.models.cancelling": Text("stopping…", "正在停止…"),
    "studio.models.cancelled": Text("The download of {name} was cancelled.", "已取消下载 {name}。"),
    "studio.models.cancelled.fix": Text(
        "What has arrived is kept: going on fetches only the rest.",
        "已下载的部分会保留，继续时只下载剩余部分。",
    ),
    "studio.models.resume": Text("Go on", "继续下载"),
    "studio.models.fetched": Text("{name} is here.", "{name} 已下载完成。"),
    # data
    "studio.data.about": Text(
        "What the model learns from. Drop a file: its format is recognised, and every row is checked.",
        "模型的训练数据。拖入文件即可识别格式，并逐条检查。",
    ),
    "studio.data.add": Text("Add a dataset", "添加数据集"),
    "studio.data.drop": Text("Drop a file", "拖入文件"),
    "studio.data.place": Text(
        "Or a path on this machine, or a hub dataset", "或填写本机路径、站点上的数据集名称"
    ),
    "studio.data.place_hint": Text(
        "/data/my.jsonl, or owner/name", "/data/my.jsonl，或 owner/name 形式的名称"
    ),
    "studio.data.no_place": Text("Which file or dataset?", "请填写文件路径或数据集名称。"),
    "studio.data.read": Text("Read it", "读取"),
    "studio.data.name": Text("Name", "名称"),
    "studio.data.format": Text("Format", "格式"),
    "studio.data.format_why": Text(
        "Recognised by itself; correct it if that is wrong.", "已自动识别，如有误可更正。"
    ),
    "studio.data.auto": Text("as recognised", "自动识别"),
    "studio.data.columns": Text("Which column holds what", "各列的含义"),
    "studio.data.no_column": Text("none", "无"),
    "studio.data.role.messages": Text("Conversation", "对话"),
    "studio.data.role.prompt": Text("Question", "问题"),
    "studio.data.role.query": Text("More of the question", "问题补充"),
    "studio.data.role.response": Text("Answer", "回答"),
    "studio.data.role.chosen": Text("Better answer", "较好的回答"),
    "studio.data.role.rejected": Text("Worse answer", "较差的回答"),
    "studio.data.role.system": Text("System text", "系统提示"),
    "studio.data.role.kto_tag": Text("Liked or not", "好评标记"),
    "studio.data.register": Text("Add it", "添加"),
    "studio.data.registered": Text("{name} can be trained on now.", "{name} 现在可用于训练。"),
    "studio.data.recognised": Text("Recognised as {format}. {columns}", "识别为 {format} 格式。{columns}"),
    "studio.data.here": Text("Datasets", "数据集"),
    "studio.data.column.name": Text("Dataset", "数据集"),
    "studio.data.column.format": Text("Format", "格式"),
    "studio.data.column.rows": Text("Rows", "条数"),
    "studio.data.column.actions": Text("Actions", "操作"),
    "studio.data.open": Text("Look", "查看"),
    "studio.data.remove_sure": Text(
        "Take {name} off the list? Its file stays.", "将 {name} 从列表中移除？数据文件会保留。"
    ),
    "studio.data.tab.check": Text("Check", "检查"),
    "studio.data.tab.rows": Text("Rows", "样本"),
    "studio.data.tab.tokens": Text("As the model sees it", "词元预览"),
    "studio.data.read_as": Text("Read as {format}: {columns}", "按 {format} 格式读取：{columns}"),
    "studio.data.rows": Text("Rows", "样本条数"),
    "studio.data.stage": Text("Trained with stage", "对应训练阶段"),
    "studio.data.errors": Text("Errors", "错误"),
    "studio.data.warnings": Text("Warnings", "警告"),
    "studio.data.more": Text("and {count} more", "另有 {count} 条"),
    "studio.data.clean": Text("Write a cleaned copy", "生成清理后的副本"),
    "studio.data.back": Text("Back", "上一页"),
    "studio.data.forth": Text("Next", "下一页"),
    "studio.data.no_more_rows": Text("No more rows", "没有更多样本"),
    "studio.data.model": Text("Model", "模型"),
    "studio.data.cutoff": Text("Cut off behind (tokens)", "截断长度（词元）"),
    "studio.data.preview_rows": Text("Rows", "条数"),
    "studio.data.see": Text("Show tokens", "查看词元"),
    "studio.data.no_model": Text("Tokens depend on the model.", "词元取决于所用的模型。"),
    "studio.data.no_model.what": Text(
        "Get a model on the page Models, or name one here.", "请先在“模型”页获取模型，或在此填写模型名称。"
    ),
    "studio.data.lengths": Text("Length of the rows in tokens", "样本长度分布（词元）"),
    "studio.data.cut_line": Text("cut off behind {cutoff} tokens", "截断长度：{cutoff} 个词元"),
    "studio.data.cut_rows": Text(
        "{cut} of {rows} rows are cut. {tokens} tokens in all.",
        "{rows} 条中有 {cut} 条会被截断，共 {tokens} 个词元。",
    ),
}
