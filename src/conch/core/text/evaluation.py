"""What is said about predictions and their scores."""

from conch.core.text.entry import Text

TEXTS = {
    "evaluation.no_rows": Text(
        "No row of {names} has an answer to compare with.", "{names} 中没有可供对比的回答。"
    ),
    "evaluation.no_rows.fix": Text(
        "Name a dataset of conversations in eval_dataset or dataset.",
        "请在 eval_dataset 或 dataset 中给出对话数据集。",
    ),
    "evaluation.no_output": Text("No folder for the answers is given.", "没有给出存放预测结果的文件夹。"),
    "evaluation.no_output.fix": Text("Add output_dir=FOLDER.", "请加上 output_dir=文件夹。"),
    "evaluation.done": Text(
        "{rows} rows answered in {folder}; {again} of them were kept from an earlier attempt.",
        "已预测 {rows} 条，结果在 {folder}；其中 {again} 条沿用上次的结果。",
    ),
    "evaluation.progress": Text("{done} of {total} rows answered", "已预测 {done}/{total} 条"),
    "evaluation.too_long": Text(
        "{count} rows were too long for the model and got no answer.",
        "有 {count} 条超出模型长度上限，没有预测。",
    ),
    "evaluation.cut_off": Text(
        "{count} answers were cut off at max_new_tokens.", "有 {count} 条回答在 max_new_tokens 处被截断。"
    ),
    "evaluation.score": Text("  {name}: {value}", "  {name}：{value}"),
    "evaluation.exact_match": Text("exact match", "完全一致"),
    "evaluation.f1": Text("F1 of words", "词级 F1"),
    "evaluation.bleu": Text("BLEU of the corpus", "语料 BLEU"),
    "evaluation.bleu-4": Text("BLEU-4 of characters", "字符 BLEU-4"),
    "evaluation.chrf": Text("chrF of characters", "字符 chrF"),
    "evaluation.rouge-1": Text("ROUGE-1, words", "ROUGE-1（词）"),
    "evaluation.rouge-2": Text("ROUGE-2, pairs", "ROUGE-2（词对）"),
    "evaluation.rouge-l": Text("ROUGE-L, order", "ROUGE-L（顺序）"),
    "evaluation.json_valid": Text("valid JSON", "合法 JSON"),
    "evaluation.repetition": Text("repetition", "重复率"),
}
