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
        "The export does not answer as its source does: merging changed the logits by up to {merging} and writing by "
        "up to {writing} (allowed {bound}), and {same} of {prompts} greedy answers are the same. Nothing was written.",
        "导出模型的回答与来源不一致：合并使 logit 最多相差 {merging}，写入使其最多相差 {writing}（允许 {bound}），"
        "{same}/{prompts} 个贪心回答一致。未写入任何内容。",
    ),
    "export.differs.fix": Text(
        "Check that base, adapter and template belong together; --allow-difference exports all the same.",
        "请检查基座、适配器与模板是否配套；加上 --allow-difference 可强制导出。",
    ),
    "export.no_target": Text("No export folder is given.", "没有给出导出文件夹。"),
    "export.no_target.fix": Text(
        "Add --to FOLDER, or export_dir to the config file.",
        "请加上 --to 文件夹，或在配置文件中写 export_dir。",
    ),
}
