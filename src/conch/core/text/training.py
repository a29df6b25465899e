"""What is said while training."""

from conch.core.text.entry import Text

TEXTS = {
    "training.cpu_bf16": Text("this CPU multiplies bf16 fast ({flag})", "本机 CPU 能快速计算 bf16（{flag}）"),
    "training.cpu_no_bf16": Text(
        "this CPU ({machine}) has no bf16 instructions, so fp32 is faster",
        "本机 CPU（{machine}）没有 bf16 指令，fp32 更快",
    ),
    "training.precision_asked": Text("asked for by {key}", "按 {key} 的设置"),
    "training.slow_bf16": Text(
        "bf16 is slower than fp32 here: {reason}. Take bf16: true out, unless memory is short.",
        "此处 bf16 比 fp32 慢：{reason}。若非内存不足，请去掉 bf16: true。",
    ),
    "training.int8_inexact": Text(
        "This processor can't multiply int8 (it has neither VNNI nor AMX): sums would overflow.",
        "此处理器不支持 int8 乘法（没有 VNNI 或 AMX 指令）：求和会溢出。",
    ),
    "training.int8_inexact.fix": Text(
        "Leave out quantization_bit: training in fp32 is faster here, too.",
        "请去掉 quantization_bit：在此处理器上用 fp32 训练也更快。",
    ),
    "training.int8_nothing": Text(
        "{architecture} has no linear layers that could be held in int8.",
        "{architecture} 没有可以用 int8 存储的线性层。",
    ),
    "training.int8_nothing.fix": Text("Leave out quantization_bit.", "请去掉 quantization_bit。"),
    "training.int8_needs_cpu": Text(
        "quantization_method: int8 is for CPUs; this training would run on a GPU.",
        "quantization_method: int8 用于 CPU，而此次训练将在 GPU 上进行。",
    ),
    "training.int8_needs_cpu.fix": Text(
        "Leave out quantization_method (bnb will be used), or set use_cpu: true.",
        "请去掉 quantization_method（将使用 bnb），或设置 use_cpu: true。",
    ),
    "training.no_bitsandbytes": Text(
        "Quantising on a GPU takes the package bitsandbytes, which is not installed.",
        "在 GPU 上量化需要 bitsandbytes 包，但未安装。",
    ),
    "training.no_bitsandbytes.fix": Text("pip install bitsandbytes", "请运行：pip install bitsandbytes"),
    "training.bnb_needs_cuda": Text(
        "Holding weights in {bits} bits by bnb takes a CUDA GPU; this training would run on: {device}.",
        "bnb 的 {bits} 位量化需要 CUDA 显卡，而此次训练将在 {device} 上进行。",
    ),
    "training.bnb_needs_cuda.fix": Text(
        "On a CPU, quantization_bit: 8 with quantization_method: int8 works. Or leave quantization_bit out.",
        "在 CPU 上可以使用 quantization_bit: 8 与 quantization_method: int8；或去掉 quantization_bit。",
    ),
    "training.int8_is_fp32": Text(
        "bf16 and fp16 have no effect with quantization_method: int8: what is not int8 is fp32.",
        "使用 quantization_method: int8 时 bf16 与 fp16 不起作用：除 int8 外均为 fp32。",
    ),
    "training.precision_int8": Text(
        "frozen weights in int8, all else in fp32", "冻结的权重用 int8，其余用 fp32"
    ),
    "training.no_liger": Text(
        "enable_liger_kernel has no effect on {device}: these kernels need CUDA.",
        "enable_liger_kernel 在 {device} 上不起作用：这些内核需要 CUDA。",
    ),
    "training.padded": Text(
        "{architecture} has no packed path here; rows are padded, which is slower.",
        "{architecture} 暂无打包计算路径；将使用填充方式，速度较慢。",
    ),
    "training.not_fused": Text(
        "In {architecture} some fused steps gave another result than the model's own and are not used: {parts}. "
        "The model's own are slower.",
        "{architecture} 的部分融合算子与模型自身的计算结果不一致，已停用：{parts}。将改用模型自身的计算，速度较慢。",
    ),
    "training.truncated": Text(
        "{count} of {rows} rows are longer than cutoff_len {cutoff}; what lies beyond it is not trained.",
        "{rows} 条数据中有 {count} 条超过 cutoff_len {cutoff}，超出部分不参与训练。",
    ),
    "training.truncated_stream": Text(
        "{count} rows of the stream were longer than cutoff_len {cutoff}; what lay beyond it was not trained.",
        "流式数据中有 {count} 条超过 cutoff_len {cutoff}，超出部分未参与训练。",
    ),
    "training.not_for_text": Text(
        "With stage: pt there are no conversations, so these settings change nothing: {keys}.",
        "stage: pt 没有对话，因此以下设置不起作用：{keys}。",
    ),
    "training.tokens_not_kept": Text(
        "The tokens can't be kept in {folder} for the next run: {reason}.",
        "无法将分词结果保存到 {folder} 供下次使用：{reason}。",
    ),
    "training.tokens_unwritable": Text(
        "The tokens can't be written to {folder} (tokenized_path): {reason}.",
        "无法将分词结果写入 {folder}（tokenized_path）：{reason}。",
    ),
    "training.tokens_unwritable.fix": Text(
        "Make room, correct the permissions, or choose another tokenized_path.",
        "请腾出空间、修正权限，或更换 tokenized_path。",
    ),
    "training.tokens_broken": Text(
        "The tokens in {folder} (tokenized_path) are damaged.",
        "{folder}（tokenized_path）中的分词结果已损坏。",
    ),
    "training.tokens_broken.fix": Text(
        "Remove the folder, or set overwrite_cache: true to make them anew.",
        "请删除该文件夹，或设置 overwrite_cache: true 重新生成。",
    ),
    "training.tokens_differ": Text(
        "The tokens in {folder} (tokenized_path) were made otherwise than asked for: {parts}.",
        "{folder}（tokenized_path）中的分词结果与当前要求不一致：{parts}。",
    ),
    "training.tokens_differ.fix": Text(
        "Name another tokenized_path, or set overwrite_cache: true to make them anew from the datasets.",
        "请换一个 tokenized_path，或设置 overwrite_cache: true 从数据集重新生成。",
    ),
    "training.worker_died": Text(
        "A process that makes tokens was killed, most likely for lack of memory.",
        "一个分词进程被终止，很可能是内存不足。",
    ),
    "training.worker_died.fix": Text(
        "Set preprocessing_num_workers: 1, or streaming: true with max_steps.",
        "请设置 preprocessing_num_workers: 1，或 streaming: true 并给出 max_steps。",
    ),
    "training.no_rows_left": Text(
        "val_size {val_size} takes every row of dataset '{name}', so there is none to interleave.",
        "val_size 为 {val_size} 时取走了数据集 '{name}' 的全部数据，无法交错混合。",
    ),
    "training.no_rows_left.fix": Text(
        "Use a smaller val_size, an eval_dataset, or mix_strategy: concat.",
        "请减小 val_size，改用 eval_dataset，或设置 mix_strategy: concat。",
    ),
    "training.no_module": Text("The model has no module named {names}.", "模型中没有名为 {names} 的模块。"),
    "training.no_module.fix": Text("Use `all`, or names among: {known}", "请使用 all，或以下名称：{known}"),
    "training.no_checkpoint": Text("There is no checkpoint {path}.", "检查点 {path} 不存在。"),
    "training.no_checkpoint.fix": Text(
        "Name a checkpoint-N folder, or use resume_from_checkpoint: auto.",
        "请指定 checkpoint-N 文件夹，或设置 resume_from_checkpoint: auto。",
    ),
    "training.broken_checkpoint": Text("The checkpoint {path} is not whole.", "检查点 {path} 不完整。"),
    "training.broken_checkpoint.fix": Text("Name an earlier one.", "请指定更早的检查点。"),
    "training.model_only_checkpoint": Text(
        "The checkpoint {path} holds the model only, so training can't go on from it.",
        "检查点 {path} 只保存了模型，无法从中继续训练。",
    ),
    "training.model_only_checkpoint.fix": Text(
        "Train with save_only_model: false, or start from its weights with adapter_name_or_path.",
        "请以 save_only_model: false 训练，或用 adapter_name_or_path 从它的权重开始。",
    ),
    "training.checkpoint_differs": Text(
        "Training can't go on from {path} with these settings, since it was made with others:\n{differences}",
        "无法以这些设置从 {path} 继续训练，因为它是用其他设置得到的：\n{differences}",
    ),
    "training.checkpoint_differs.fix": Text(
        "Set them as they were. To begin a new training with its weights: adapter_name_or_path={path} "
        "(full tuning: model_name_or_path={path}) without resume_from_checkpoint",
        "请恢复原来的设置。如需以它的权重开始新的训练：设置 adapter_name_or_path={path}"
        "（全参数训练则设置 model_name_or_path={path}），并去掉 resume_from_checkpoint",
    ),
    "training.memory_thrift": Text(
        "Memory is short: what is freed now goes back to the system at once, which costs some speed.",
        "内存紧张：释放的内存将立即归还系统，速度会略有下降。",
    ),
    "training.memory_split": Text(
        "{tokens} tokens at once do not fit into memory: micro batches are now computed in parts of at most "
        "{limit} tokens. The effective batch and its loss stay the same.",
        "内存放不下一次计算 {tokens} 个词元：此后每个微批次分成不超过 {limit} 个词元的部分依次计算，"
        "有效批大小和损失保持不变。",
    ),
    "training.memory_checkpointing": Text(
        "One row of {tokens} tokens does not fit into memory: activations are now computed twice instead of "
        "kept (gradient_checkpointing), which takes about a third more time.",
        "内存放不下单条 {tokens} 个词元的样本：已启用 gradient_checkpointing（重新计算激活值而不保存），"
        "耗时约增加三分之一。",
    ),
    "training.out_of_memory": Text("The device ran out of memory.", "设备内存（GPU 上即显存）不足。"),
    "training.out_of_memory.fix": Text(
        "Lower per_device_train_batch_size (and raise gradient_accumulation_steps by as much), cutoff_len or "
        "lora_rank, or take a smaller model.",
        "请减小 per_device_train_batch_size（并相应增大 gradient_accumulation_steps）、cutoff_len 或 lora_rank，"
        "或改用更小的模型。",
    ),
    "training.row_out_of_memory": Text(
        "A single row of {tokens} tokens does not fit into memory.",
        "内存放不下单条 {tokens} 个词元的样本。",
    ),
    "training.row_out_of_memory.fix": Text(
        "Lower cutoff_len below {tokens}, lower lora_rank, take a smaller model, or close other programs.",
        "请将 cutoff_len 减到 {tokens} 以下，减小 lora_rank，改用更小的模型，或关闭其他程序。",
    ),
    "training.row_out_of_memory_kept": Text(
        "A single row of {tokens} tokens does not fit into memory.",
        "内存放不下单条 {tokens} 个词元的样本。",
    ),
    "training.row_out_of_memory_kept.fix": Text(
        "Set disable_gradient_checkpointing: false, so that activations may be computed twice to save memory; or "
        "lower cutoff_len below {tokens}, lower lora_rank, or take a smaller model.",
        "请设置 disable_gradient_checkpointing: false，允许重新计算激活值以节省内存；或将 cutoff_len 减到 {tokens} 以下，"
        "减小 lora_rank，或改用更小的模型。",
    ),
    "training.sample_failed": Text(
        "The sample prompts could not be answered and are left out from here on: {reason}",
        "示例提示无法生成回答，后续不再生成：{reason}",
    ),
    "training.no_prompts": Text(
        "The prompts in {file} can't be read: {reason}.", "无法读取 {file} 中的提示：{reason}。"
    ),
    "training.no_prompts.fix": Text(
        "Name a UTF-8 text file with one prompt a line, or list the prompts in sample_prompts.",
        "请指定一个每行一条提示的 UTF-8 文本文件，或直接在 sample_prompts 中列出提示。",
    ),
    "training.disk": Text("{file} can't be written: {reason}.", "无法写入 {file}：{reason}。"),
    "training.disk.fix": Text(
        "Make room or correct the permissions, then go on: conch runs resume {run}",
        "请腾出空间或修正权限，然后继续：conch runs resume {run}",
    ),
    "training.disk_full": Text(
        "No checkpoint could be written to {folder} for {minutes} minutes: {reason}.",
        "{minutes} 分钟内一直无法将检查点写入 {folder}：{reason}。",
    ),
    "training.disk_full.fix": Text(
        "Make room there, then begin anew with `conch runs resume`.",
        "请在该处腾出空间，然后用 `conch runs resume` 重新开始。",
    ),
    "training.paused": Text(
        "Paused: {what} can't be written to {folder}: {reason} ({free} MB free).",
        "已暂停：无法将 {what} 写入 {folder}：{reason}（剩余 {free} MB）。",
    ),
    "training.paused.fix": Text(
        "Make room there: the run goes on by itself. After {minutes} minutes it stops, to be resumed later.",
        "请在该处腾出空间，训练会自动继续；{minutes} 分钟后仍无空间则停止，之后可以恢复。",
    ),
    "training.paused.needs": Text(
        "Make room there for about {needed} MB: the run goes on by itself. "
        "After {minutes} minutes it stops, to be resumed later.",
        "请在该处腾出约 {needed} MB，训练会自动继续；{minutes} 分钟后仍无空间则停止，之后可以恢复。",
    ),
    "training.unsaved": Text(
        "The disk is full: steps {first} to {last} could not be saved, and resuming will repeat them.",
        "磁盘已满：第 {first} 至 {last} 步未能保存，恢复时会重新训练。",
    ),
    "training.budget": Text(
        "{count} checkpoints that must stay (the newest, the best) take {taken} GB, more than "
        "save_disk_budget: {budget} GB.",
        "必须保留的 {count} 个检查点（最新和最优）占 {taken} GB，超出 save_disk_budget：{budget} GB。",
    ),
    "training.interrupted": Text("The training was interrupted.", "训练被中断。"),
    "training.interrupted.fix": Text(
        "Go on from its last checkpoint: conch runs resume {run}",
        "从最近的检查点继续：conch runs resume {run}",
    ),
    "training.unexpected": Text("The worker failed unexpectedly: {reason}", "工作进程意外失败：{reason}"),
    "training.unexpected.fix": Text("The whole story is in {log}.", "详情见 {log}。"),
    "training.output_exists": Text(
        "The output folder {folder} is not empty.", "输出文件夹 {folder} 不为空。"
    ),
    "training.output_exists.fix": Text(
        "Choose another output_dir, or set overwrite_output_dir: true, or resume_from_checkpoint: auto.",
        "请换一个 output_dir，或设置 overwrite_output_dir: true，或 resume_from_checkpoint: auto。",
    ),
    "training.output_unwritable": Text(
        "The output folder {folder} can't be written: {reason}.", "无法写入输出文件夹 {folder}：{reason}。"
    ),
    "training.output_unwritable.fix": Text("Choose another output_dir.", "请换一个 output_dir。"),
    "training.untold": Text(
        "Run {run} failed, and the disk took no word of why. It was printed here instead.",
        "训练 {run} 失败，磁盘未能写入原因，原因已直接打印出来。",
    ),
    "training.untold.fix": Text(
        "Make sure that {folder} can be written and has room, then: conch runs resume {run}",
        "请确认 {folder} 可写且有剩余空间，然后运行：conch runs resume {run}",
    ),
    "training.failed": Text("{message}", "{message}"),
    "training.failed.fix": Text("{hint}", "{hint}"),
}
