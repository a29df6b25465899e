"""What a run's curve means and what to do, as a good colleague would say it."""

from conch.core.text.entry import Text

TEXTS = {
    "diagnosis.whole": Text("{meaning} {advice}", "{meaning}{advice}"),
    "diagnosis.not_a_number": Text(
        "From step {step} on the loss is not a number any more: the weights have blown up, and what was trained "
        "after that is of no use.",
        "从第 {step} 步起损失不再是有效数字（NaN）：权重已经溢出，之后的训练没有意义。",
    ),
    "diagnosis.not_a_number.fix": Text(
        "Train again with a tenth of the learning rate: {new_learning_rate:g} instead of {learning_rate:g}.",
        "请把学习率降到十分之一重新训练：由 {learning_rate:g} 改为 {new_learning_rate:g}。",
    ),
    "diagnosis.no_gradient": Text(
        "The gradient was zero at all {steps} logged steps: nothing that trains reaches the loss, so no weight has moved.",
        "记录的 {steps} 步梯度全部为零：参与训练的参数没有影响到损失，权重完全没有变化。",
    ),
    "diagnosis.no_gradient.fix": Text(
        "Let the usual layers train; look at lora_target and at the freeze settings.",
        "请让常规的层参与训练，并检查 lora_target 与冻结相关的设置。",
    ),
    "diagnosis.diverging": Text(
        "The loss fell to {best:.3f} and rose again to {end:.3f}: the steps are too large and overshoot.",
        "损失降到 {best:.3f} 后又升到 {end:.3f}：更新步子太大，越过了最低点。",
    ),
    "diagnosis.diverging.fix": Text(
        "Lower the learning rate from {learning_rate:g} to {new_learning_rate:g}.",
        "请把学习率由 {learning_rate:g} 降到 {new_learning_rate:g}。",
    ),
    "diagnosis.overfitting": Text(
        "On rows that were not trained on, the loss was best at step {step} ({best:.3f}) and then rose to {end:.3f} "
        "while the training loss went on falling: the model learns the rows by heart instead of what they have in "
        "common. Last checkpoint before that: {checkpoint}.",
        "评估损失在第 {step} 步最低（{best:.3f}），之后升到 {end:.3f}，而训练损失仍在下降：模型开始死记训练样本，"
        "而不是学习规律（过拟合）。在此之前最近的检查点：{checkpoint}。",
    ),
    "diagnosis.overfitting.fix": Text(
        "Use that checkpoint, or train for less time; more, and more varied, rows help most.",
        "请使用该检查点，或缩短训练；增加更多样的数据最为有效。",
    ),
    "diagnosis.memorised": Text(
        "The training loss is down to {end:.3f} on only {rows} rows: the model can recite them. For a fixed persona or "
        "fixed answers that may be what you want; anything else it may now do worse than before.",
        "训练数据只有 {rows} 条，训练损失已降到 {end:.3f}：模型可以把它们背出来。如果只想固定人设或固定回答，"
        "这可能正合适；但其他能力可能已经变差。",
    ),
    "diagnosis.memorised.fix": Text(
        "Train for less time (the loss was low already at step {step}), or add rows, and set some aside with val_size to "
        "see when it is enough.",
        "请缩短训练（第 {step} 步时损失已经很低），或增加数据，并用 val_size 留出一部分以判断何时足够。",
    ),
    "diagnosis.flat": Text(
        "The loss hardly moved: {start:.3f} at the beginning, {end:.3f} at the end. The updates are too small to learn "
        "anything.",
        "损失几乎没有变化：开始 {start:.3f}，结束 {end:.3f}。更新幅度太小，模型没有学到东西。",
    ),
    "diagnosis.flat.fix": Text(
        "Raise the learning rate from {learning_rate:g} to {new_learning_rate:g}. If that changes nothing, look at the "
        "trained tokens: conch data preview.",
        "请把学习率由 {learning_rate:g} 提高到 {new_learning_rate:g}。如果仍无变化，请用 conch data preview "
        "检查参与训练的词元。",
    ),
    "diagnosis.unfinished": Text(
        "The loss was still falling when training ended (last {end:.3f}): there is more to learn.",
        "训练结束时损失仍在下降（最后为 {end:.3f}）：还有可学的内容。",
    ),
    "diagnosis.unfinished.fix": Text(
        "Train longer, and watch the evaluation loss: stop when it no longer falls.",
        "请延长训练，并关注评估损失：不再下降时就该停止。",
    ),
    "diagnosis.spikes": Text(
        "The gradient leapt at step {step} to {norm:.2g}, where {usual:.2g} is usual ({count} such steps): one batch pulled "
        "hard in a direction of its own, often a broken or very unusual row. Rows of that step: {rows}.",
        "第 {step} 步梯度突增到 {norm:.2g}，而平时约为 {usual:.2g}（这样的步共 {count} 个）：某一批数据的影响异常大，"
        "常见原因是有损坏或很特殊的数据。该步用到的数据条目：{rows}。",
    ),
    "diagnosis.spikes.fix": Text(
        "Clip harder with max_grad_norm {new_max_grad_norm:g}, and look for odd rows: conch data check.",
        "请把 max_grad_norm 设为 {new_max_grad_norm:g} 以加强裁剪，并用 conch data check 查找异常的数据。",
    ),
    "diagnosis.few_steps": Text(
        "Training was over after step {steps}: too few steps for the optimiser to find its pace, whatever the rows hold.",
        "总共只有 {steps} 步：无论数据如何，优化器都来不及进入状态。",
    ),
    "diagnosis.few_steps.fix": Text(
        "Take more steps: fewer rows a step, or more epochs.", "请增加步数：减少每步的条数，或增加训练轮数。"
    ),
    "diagnosis.masked": Text(
        "Only {trained} of {tokens} tokens ({share:.1%}) are trained on: the answers are tiny beside their prompts, or the "
        "wrong column is taken for the answer.",
        "{tokens} 个词元中只有 {trained} 个（{share:.1%}）参与训练：回答相对提示太短，或把错误的列当成了回答。",
    ),
    "diagnosis.masked.fix": Text(
        "See what is trained with conch data preview. If the columns are right, change {key} to train on more of each row.",
        "请用 conch data preview 查看参与训练的部分；如果列没有错，请修改 {key}，让每条有更多内容参与训练。",
    ),
    "diagnosis.truncated": Text(
        "{cut} of {rows} rows ({share:.0%}) are longer than {cutoff} tokens and lost their end, so the model never sees how "
        "those answers finish.",
        "{rows} 条中有 {cut} 条（{share:.0%}）超过 {cutoff} 个词元而被截断，模型看不到这些回答的结尾。",
    ),
    "diagnosis.truncated.fix": Text(
        "Raise cutoff_len to {new_cutoff_len} if the memory allows it, or split the long rows.",
        "如果内存允许，请把 cutoff_len 提高到 {new_cutoff_len}，或把过长的数据拆开。",
    ),
    "diagnosis.memory": Text(
        "Training took {peak:.1f} GB, {share:.0%} of this machine's memory: the system swaps to the disk, or ends the run.",
        "训练占用 {peak:.1f} GB，达到本机内存的 {share:.0%}：系统会开始使用交换区，甚至结束训练进程。",
    ),
    "diagnosis.memory.fix": Text(
        "Work on fewer or shorter rows at once; with more accumulation the result stays the same.",
        "请减少同时处理的条数或长度；相应增加梯度累积，结果不变。",
    ),
    "diagnosis.swapping": Text(
        "{swapped:.1f} GB of what training needs had to be moved to the disk (it held {peak:.1f} GB in memory): every "
        "step waits for it.",
        "训练所需的数据中有 {swapped:.1f} GB 被移到磁盘交换区（内存中占用 {peak:.1f} GB）：每一步都要等待磁盘。",
    ),
    "diagnosis.swapping.fix": Text(
        "Close other programs, or work on fewer or shorter rows at once; with more accumulation the result stays the same.",
        "请关闭其他程序，或减少同时处理的条数或长度；相应增加梯度累积，结果不变。",
    ),
    "diagnosis.slower": Text(
        "The speed fell from {before:.0f} to {after:.0f} tokens/s during training: something else uses the machine, it runs "
        "hot, or it swaps.",
        "训练过程中速度由 {before:.0f} 词元/秒降到 {after:.0f} 词元/秒：可能有其他程序占用、机器过热降频，或正在使用交换区。",
    ),
    "diagnosis.slower.fix": Text(
        "Look at what else runs and at the temperature; no setting of the run mends this.",
        "请检查其他正在运行的程序和温度；这不是修改训练设置能解决的。",
    ),
    "diagnosis.padding": Text(
        "Rows are padded to the longest of each batch of {batch}, and they differ so much in length that up to {share:.0%} "
        "of the work is done on padding.",
        "每批 {batch} 条都会补齐到其中最长的一条，而各条长度相差很大，最多有 {share:.0%} 的计算花在补齐上。",
    ),
    "diagnosis.padding.fix": Text(
        "Take one row at a time and accumulate: the same result with no padding.",
        "请每次只取一条并使用梯度累积：结果相同，且没有补齐的浪费。",
    ),
    "diagnosis.forgetting": Text(
        "The tuned model has forgotten something: of {questions} general questions it answers {after} rightly, its base "
        "{before} ({lost} lost, {gained} gained). That is more than chance.",
        "微调后的模型有所遗忘：{questions} 道通用题中它答对 {after} 道，而基座模型答对 {before} 道（丢失 {lost}，新增 "
        "{gained}），超出了偶然波动。",
    ),
    "diagnosis.forgetting.fix": Text(
        "Train for less time or at a lower learning rate, and mix general rows into the dataset.",
        "请缩短训练或降低学习率，并在数据集中混入通用数据。",
    ),
}
