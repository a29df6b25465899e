"""What is said about chat and servers."""

from conch.core.text.entry import Text

TEXTS = {
    "serving.prompt_too_long": Text(
        "The prompt has {tokens} tokens, but the model reads at most {limit}.",
        "提示有 {tokens} 个词元，而模型最多读取 {limit} 个。",
    ),
    "serving.prompt_too_long.fix": Text("Shorten the prompt.", "请缩短提示。"),
    "serving.empty_prompt": Text("The prompt is empty.", "提示为空。"),
    "serving.empty_prompt.fix": Text("Say something.", "请输入内容。"),
}
