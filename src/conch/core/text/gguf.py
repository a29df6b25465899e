"""What is said about GGUF files that are written."""

from conch.core.text.entry import Text

TEXTS = {
    "gguf.keeping": Text("Writing {name} for llama.cpp, once …", "正在为 llama.cpp 转换 {name}（仅需一次）…"),
    "gguf.target_exists": Text("{file} is there already.", "{file} 已存在。"),
    "gguf.target_exists.fix": Text(
        "Choose another name, or remove it first.", "请换一个名称，或先将其删除。"
    ),
    "gguf.no_format": Text(
        "GGUF has no format called {name} here. Known are: {known}.",
        "不支持名为 {name} 的 GGUF 格式。可用格式：{known}。",
    ),
    "gguf.no_format.fix": Text("Choose one of them.", "请从中选择一种。"),
    "gguf.no_encoder": Text(
        "The format {name} is written with llama.cpp's own code, which is not installed.",
        "{name} 格式需要 llama.cpp 自带的编码器，而它尚未安装。",
    ),
    "gguf.no_encoder.fix": Text(
        "Install it with pip install 'conch[llamacpp]', or choose f16 or q8_0.",
        "请运行 pip install 'conch[llamacpp]' 安装，或改用 f16、q8_0。",
    ),
    "gguf.no_family": Text(
        "Models of the kind {kind} can't be written as GGUF. Known are: {known}.",
        "{kind} 类模型无法写成 GGUF。可用类型：{known}。",
    ),
    "gguf.no_family.fix": Text("Export as safetensors instead.", "请改为导出 safetensors。"),
    "gguf.gemma3": Text(
        "This Gemma 3 divides its attention, caps its logits or orders its layers in a way that llama.cpp does not compute.",
        "这个 Gemma 3 的注意力缩放、logit 截断或层次排列方式是 llama.cpp 不支持的。",
    ),
    "gguf.gemma3.fix": Text("Export as safetensors instead.", "请改为导出 safetensors。"),
    "gguf.rope": Text(
        "The model scales its rotary embeddings in a way ({kind}) that llama.cpp does not compute for {arch}.",
        "模型的旋转位置编码缩放方式（{kind}）在 llama.cpp 的 {arch} 架构中无法计算。",
    ),
    "gguf.rope.fix": Text("Export as safetensors instead.", "请改为导出 safetensors。"),
    "gguf.tokenizer": Text(
        "llama.cpp has no tokenizer of the kind {kind} for this family.",
        "llama.cpp 对这类模型不支持 {kind} 类型的分词器。",
    ),
    "gguf.tokenizer.fix": Text("Export as safetensors instead.", "请改为导出 safetensors。"),
    "gguf.pre_tokenizer": Text(
        "The tokenizer cuts text in a way that has no name in llama.cpp known here: {pattern}",
        "分词器的预切分规则在 llama.cpp 中没有已知的对应名称：{pattern}",
    ),
    "gguf.pre_tokenizer.fix": Text(
        "Export as safetensors instead: a GGUF would read text as other tokens.",
        "请改为导出 safetensors：GGUF 会把文本读成不同的词元。",
    ),
    "gguf.dtype": Text(
        "The tensor {tensor} is stored as {dtype}, which is not read.",
        "张量 {tensor} 以 {dtype} 存储，无法读取。",
    ),
    "gguf.dtype.fix": Text(
        "Export from a model stored in fp32, fp16 or bf16.", "请从以 fp32、fp16 或 bf16 存储的模型导出。"
    ),
    "gguf.missing": Text(
        "The model in {folder} has no tensor {tensor}.", "{folder} 中的模型缺少张量 {tensor}。"
    ),
    "gguf.missing.fix": Text(
        "Fetch the model again, or check tie_word_embeddings in its config.json.",
        "请重新获取模型，或检查其 config.json 中的 tie_word_embeddings。",
    ),
    "gguf.no_tensor": Text(
        "llama.cpp's {arch} has no tensor that answers to {tensor}.",
        "llama.cpp 的 {arch} 架构没有与 {tensor} 对应的张量。",
    ),
    "gguf.no_tensor.fix": Text("Export as safetensors instead.", "请改为导出 safetensors。"),
    "gguf.not_finite": Text(
        "The tensor {tensor} holds values that are no numbers.", "张量 {tensor} 中含有非数值。"
    ),
    "gguf.not_finite.fix": Text(
        "The training may have diverged: export an earlier checkpoint.",
        "训练可能已发散：请导出较早的检查点。",
    ),
    "gguf.too_large": Text(
        "The tensor {tensor} holds numbers that are too large for f16.",
        "张量 {tensor} 中有超出 f16 范围的数值。",
    ),
    "gguf.too_large.fix": Text("Choose bf16, f32 or q8_0.", "请改用 bf16、f32 或 q8_0。"),
    "gguf.window": Text(
        "The model attends to the last {window} tokens, llama.cpp to all: longer texts may be answered differently.",
        "模型只关注最近 {window} 个词元，而 llama.cpp 关注全部：更长的文本可能得到不同的回答。",
    ),
    "gguf.stops": Text(
        "GGUF has no place for all tokens that end an answer; left out are: {tokens}.",
        "GGUF 无法容纳全部结束词元；未写入的有：{tokens}。",
    ),
    "gguf.no_reader": Text(
        "A GGUF file is proved by asking llama.cpp, which is not installed.",
        "GGUF 文件需要用 llama.cpp 进行验证，而它尚未安装。",
    ),
    "gguf.no_reader.fix": Text(
        "Install it: pip install 'conch[llamacpp]'.", "请安装：pip install 'conch[llamacpp]'。"
    ),
    "gguf.unreadable": Text(
        "llama.cpp can't read {file}: {reason}.", "llama.cpp 无法读取 {file}：{reason}。"
    ),
    "gguf.unreadable.fix": Text(
        "Update xllamacpp, or choose another format.", "请更新 xllamacpp，或换一种格式。"
    ),
    "gguf.adapter_format": Text(
        "An adapter can't be written in the format {name}. Known are: {known}.",
        "适配器无法写成 {name} 格式。可用格式：{known}。",
    ),
    "gguf.adapter_format.fix": Text("Choose one of them.", "请从中选择一种。"),
    "gguf.adapter_kind": Text(
        "The adapter {folder} changes more than a GGUF adapter can say: {kinds}.",
        "适配器 {folder} 的改动超出了 GGUF 适配器的表达能力：{kinds}。",
    ),
    "gguf.adapter_kind.fix": Text(
        "Export the merged model as GGUF instead.", "请改为把合并后的模型导出为 GGUF。"
    ),
}
