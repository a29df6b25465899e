"""What each key of a training config means, and what too much or too little of it does.

`keys.KEY` says what the key is, `keys.KEY.effect` what its size changes, and `keys.group.NODE` heads a node.
"""

from conch.core.text.entry import Text

TEXTS = {
    # headings
    "keys.group.model": Text("Model", "模型"),
    "keys.group.data": Text("Data", "数据"),
    "keys.group.method": Text("Method", "微调方法"),
    "keys.group.lora": Text("LoRA", "LoRA"),
    "keys.group.freeze": Text("Freeze", "冻结微调"),
    "keys.group.optimisation": Text("Batches, steps and learning rate", "批次、步数与学习率"),
    "keys.group.precision": Text("Precision and memory", "精度与内存"),
    "keys.group.output": Text("Output, saving and evaluation", "输出、保存与评估"),
    "keys.group.generation": Text("Generation", "生成"),
    "keys.group.passthrough": Text("Passed on to transformers", "直接传给 transformers"),
    # model: which one, and how its files are read
    "keys.model_name_or_path": Text(
        "The model to start from: a hub id, a model folder, a GGUF file, a run id or a bundled name.",
        "要微调的基座模型：模型站点上的名称、模型文件夹、GGUF 文件、训练的编号或名称，或内置模型名。",
    ),
    "keys.adapter_name_or_path": Text(
        (
            "Adapters to start from: all but the last are merged in, and the last is trained further. "
            "Unset: a new adapter."
        ),
        "作为起点的已有适配器，可填多个：前面的先合并进模型，最后一个继续训练；不填则新建适配器。",
    ),
    "keys.model_revision": Text(
        "The hub version to use: a branch, a tag or a commit.",
        "使用模型仓库的哪个版本：分支名、标签或 commit。",
    ),
    "keys.model_source": Text(
        (
            "Where models are downloaded from: auto takes the best of the hubs it can reach; huggingface, "
            "hf-mirror, modelscope or the URL of a mirror name one; several with commas are tried in turn. "
            "Unset: as `conch models source` says."
        ),
        "模型的下载来源：auto 在可访问的站点中自动择优；也可指定 huggingface、hf-mirror、modelscope 或镜像站的 URL，"
        "多个以逗号分隔并依次尝试；不填则按 `conch models source` 的设置。",
    ),
    "keys.dataset_source": Text(
        "Where datasets of hubs are downloaded from, as model_source. Unset: as model_source says.",
        "数据集站点上的数据集从哪里下载，取值同 model_source；不填则与 model_source 相同。",
    ),
    "keys.cache_dir": Text(
        "The folder where downloaded models are kept. Unset: the usual hub cache.",
        "下载的模型存放在哪个文件夹；不填则用默认的缓存文件夹。",
    ),
    "keys.trust_remote_code": Text(
        (
            "Let Python code that comes with the model run on this machine. Turn it on only for sources "
            "you trust."
        ),
        "允许在本机运行模型仓库自带的 Python 代码；仅对信任的来源开启。",
    ),
    "keys.flash_attn": Text(
        (
            "How attention is computed: auto picks what fits the machine; sdpa, fa2 and fa3 force one way; "
            "disabled is plain."
        ),
        "注意力的实现方式：auto 按硬件选择，sdpa、fa2、fa3 为指定实现，disabled 为不加速的普通实现。",
    ),
    "keys.rope_scaling": Text(
        (
            "How rotary positions are stretched for text longer than the model was built for. Unset: the "
            "model's own."
        ),
        "RoPE 位置编码的外推方式，用于处理超出模型原有上下文长度的文本；不填则沿用模型自身的设置。",
    ),
    "keys.resize_vocab": Text(
        "Grow the embedding table to hold every token of the tokenizer, such as newly added ones.",
        "扩展词嵌入层，使其覆盖分词器中的全部词元（例如新增的词元）。",
    ),
    "keys.add_tokens": Text(
        "Ordinary tokens to add to the tokenizer, separated by commas.",
        "向分词器新增的普通词元，以逗号分隔。",
    ),
    "keys.add_special_tokens": Text(
        "Special tokens to add to the tokenizer, separated by commas; they can be left out of shown text.",
        "向分词器新增的特殊词元，以逗号分隔；解码时可以将其略去。",
    ),
    "keys.hf_hub_token": Text(
        "Access token for gated or private models on the Hugging Face Hub. It is never written to the run.",
        "Hugging Face 访问令牌，用于受限或私有模型；不会写入训练记录。",
    ),
    "keys.ms_hub_token": Text(
        "Access token for private models and datasets on ModelScope. It is never written to the run.",
        "魔搭（ModelScope）访问令牌，用于私有模型和数据集；不会写入训练记录。",
    ),
    "keys.infer_dtype": Text(
        "Number format of the weights when the model is only run, not trained; auto picks one.",
        "推理时模型权重的数据类型；auto 为自动选择。",
    ),
    "keys.train_from_scratch": Text(
        "Keep the model's architecture but start from random weights, forgetting all it has learnt.",
        "只沿用模型结构，权重随机初始化，从零开始训练。",
    ),
    # data: which rows, and how they become tokens
    "keys.dataset": Text(
        "Datasets to train on: registered names or file paths, separated by commas.",
        "训练数据集：已登记的名称或文件路径，多个以逗号分隔。",
    ),
    "keys.eval_dataset": Text(
        "Datasets to evaluate on during training, named as in dataset; not together with val_size.",
        "训练过程中用于评估的数据集，写法同 dataset；不能与 val_size 同时使用。",
    ),
    "keys.dataset_dir": Text(
        (
            "Folder that holds dataset_info.json and the data files. Unset: the datasets that Conch knows "
            "already."
        ),
        "dataset_info.json 及数据文件所在的文件夹；不填则使用 Conch 已登记的数据集。",
    ),
    "keys.template": Text(
        (
            "Chat template for a model that has none: a name such as chatml or llama3; or the path of a Jinja "
            "file, which is used in any case. Unset: the model's own."
        ),
        "对话模板：可为没有模板的模型写模板名（如 chatml、llama3），或写 Jinja 文件路径（一定会采用）；不填则用模型自带的模板。",
    ),
    "keys.enable_thinking": Text(
        (
            "Whether answers begin with a thought, for models that can reason first. false: thoughts in the "
            "data are left out. Unset: as the model's template does by itself."
        ),
        "推理类模型的回答是否先给出思考过程；false 会略去数据中的思考内容；不填则按模型模板的默认方式。",
    ),
    "keys.default_system": Text(
        "System message for rows that have none. Unset: whatever the template does by itself.",
        "样本没有系统提示时使用的默认系统提示；不填则由对话模板决定。",
    ),
    "keys.cutoff_len": Text(
        "The most tokens a training row may have; what goes beyond is cut off.",
        "截断长度：单条样本的最大词元数，超出部分会被截掉。",
    ),
    "keys.cutoff_len.effect": Text(
        (
            "Too large: long rows take much more memory and time. Too small: answers are cut, and the "
            "model never sees how they end."
        ),
        "过大：长样本占用大量内存，训练变慢。过小：回答被截断，模型学不到如何结束。",
    ),
    "keys.max_samples": Text(
        "The most rows to take from each dataset. Unset: all.",
        "每个数据集最多取多少条样本；不填则全部使用。",
    ),
    "keys.max_samples.effect": Text(
        (
            "More rows take longer but generalise better. Few are fine for a trial run, yet the model soon "
            "learns them by heart."
        ),
        "样本多，训练更久但泛化更好；样本少适合先试跑，但很容易过拟合。",
    ),
    "keys.val_size": Text(
        "Rows set aside for evaluation: below 1 a share of the data, otherwise a number of rows. 0: none.",
        "从训练数据中划出的评估集：小于 1 为比例，否则为条数；0 表示不划分。",
    ),
    "keys.val_size.effect": Text(
        (
            "Too large: fewer rows are left to learn from. Too small: the evaluation loss is noisy, and "
            "with none overfitting goes unseen."
        ),
        "过大：可用于训练的数据变少。过小：评估损失波动大；不划分则看不出过拟合。",
    ),
    "keys.train_on_prompt": Text(
        "Also compute the loss on the prompt, not only on the answer.",
        "对提示部分也计算损失，而不只是回答部分。",
    ),
    "keys.mask_history": Text(
        "Train on the last answer of a conversation only, not on the earlier ones.",
        "多轮对话只训练最后一轮的回答，之前各轮不计算损失。",
    ),
    "keys.mix_strategy": Text(
        (
            "How several datasets are mixed. concat: one after another; interleave_under: in turn, until one ends; "
            "interleave_over: in turn, until every one has ended, repeating the short ones."
        ),
        (
            "多个数据集的混合方式：concat 依次拼接；interleave_under 轮流取样，任一数据集取完即停；"
            "interleave_over 轮流取样，直到每个数据集都取完，较短的会重复。"
        ),
    ),
    "keys.interleave_probs": Text(
        "How often each dataset's turn comes while interleaving, such as 0.7,0.3. Unset: strictly in turn.",
        "交错混合时各数据集被取到的概率，如 0.7,0.3；不填则严格轮流。",
    ),
    "keys.packing": Text(
        (
            "Put several examples into each row, up to cutoff_len tokens; none of them sees another. The batch "
            "size then counts such rows. Unset: only for stage pt."
        ),
        "将多条样本装入同一个序列，总长不超过 cutoff_len，样本之间互不可见；此时批大小按序列计。不填则仅 stage 为 pt 时启用。",
    ),
    "keys.packing.effect": Text(
        (
            "Rows are evenly full, so steps take evenly long; there are fewer of them, so the same epochs make "
            "fewer updates."
        ),
        "各序列长度均匀，每步耗时稳定；但序列数变少，同样轮数下更新次数也会减少。",
    ),
    "keys.neat_packing": Text(
        "The same as packing: packed examples never see one another here.",
        "与 packing 相同：这里打包的样本始终互不可见。",
    ),
    "keys.eval_on_each_dataset": Text(
        "Also tell the evaluation loss of each dataset by itself, as eval_NAME_loss.",
        "除总的评估损失外，还分别给出每个数据集的评估损失（eval_名称_loss）。",
    ),
    "keys.streaming": Text(
        "Read and tokenise rows while training, for data that does not fit into memory. It needs max_steps.",
        "边训练边读取和分词，适合内存放不下的数据；需要设置 max_steps。",
    ),
    "keys.buffer_size": Text(
        "With streaming: how many rows are held to be shuffled.",
        "流式读取时，用于打乱顺序的缓冲区大小（条数）。",
    ),
    "keys.buffer_size.effect": Text(
        "Too large: more memory, a later start. Too small: rows come nearly in the order of the file.",
        "过大：占用更多内存，启动更慢。过小：样本几乎按文件顺序出现，打乱不充分。",
    ),
    "keys.tokenized_path": Text(
        (
            "A folder for tokens: written the first time, read from then on instead of the datasets. Refused where "
            "they were made with another model, template or setting."
        ),
        "保存分词结果的文件夹：首次写入，之后直接读取而不再读数据集；若由其他模型、模板或设置生成则拒绝使用。",
    ),
    "keys.overwrite_cache": Text(
        "Tokenise anew, even where the same tokens were kept from an earlier run.",
        "重新分词，即使之前已保存过相同的结果。",
    ),
    "keys.preprocessing_num_workers": Text(
        "The most processes to tokenise with. Unset: all cores for large data, one process for small data.",
        "分词时最多使用的进程数；不填则数据量大时用全部核心，数据量小时用单个进程。",
    ),
    # method: what is trained
    "keys.stage": Text(
        "The kind of training: sft learns answers to prompts; pt goes on pre-training on plain text.",
        "训练阶段：sft 用问答数据做监督微调；pt 用纯文本继续预训练。",
    ),
    "keys.finetuning_type": Text(
        "Which weights move: lora trains a small adapter, freeze a few layers, full all weights.",
        "微调方式：lora 只训练小型适配器，freeze 只训练部分层，full 训练全部参数。",
    ),
    "keys.finetuning_type.effect": Text(
        (
            "full can change the most but needs several times the memory and forgets sooner; lora is light "
            "and usually enough."
        ),
        "full 可调空间最大，但内存需求成倍增加，也更容易遗忘原有能力；lora 开销小，多数情况下够用。",
    ),
    # lora: low-rank adapters
    "keys.lora_rank": Text(
        "Rank of the adapter's matrices: how much room it has for what is new.",
        "LoRA 矩阵的秩，决定适配器的容量。",
    ),
    "keys.lora_rank.effect": Text(
        (
            "Too large: more memory, larger files, sooner overfit. Too small: the adapter can't hold what "
            "the data teaches."
        ),
        "过大：内存占用和适配器文件变大，更易过拟合。过小：容量不足，学不下数据中的内容。",
    ),
    "keys.lora_alpha": Text(
        "Strength of the adapter: its output is multiplied by alpha / rank. Unset: twice the rank.",
        "LoRA 缩放系数：适配器输出乘以 alpha / rank；不填则为秩的 2 倍。",
    ),
    "keys.lora_alpha.effect": Text(
        (
            "Too large acts like too high a learning rate: unstable, forgetful. Too small: the adapter "
            "hardly changes the answers."
        ),
        "过大相当于学习率过高：训练不稳、容易遗忘。过小：适配器几乎不影响输出。",
    ),
    "keys.lora_dropout": Text(
        "Share of the adapter's inputs that is randomly set to zero while training. 0: none.",
        "训练时随机置零的适配器输入比例；0 表示不使用 dropout。",
    ),
    "keys.lora_dropout.effect": Text(
        "Too large: learning is slow and weak. At 0, small datasets overfit sooner; 0.05 to 0.1 helps there.",
        "过大：学得慢、学不充分。为 0 时小数据集更易过拟合，可设为 0.05～0.1。",
    ),
    "keys.lora_target": Text(
        (
            "Modules that get an adapter, by name and separated by commas; all means every linear layer in "
            "the blocks."
        ),
        "挂载 LoRA 的模块名，以逗号分隔；all 表示各层中的全部线性层。",
    ),
    "keys.lora_target.effect": Text(
        (
            "More modules learn more but cost memory and time; with attention alone (such as "
            "q_proj,v_proj) less can be learnt."
        ),
        "模块越多，学习能力越强，内存和时间开销也越大；只选注意力（如 q_proj,v_proj）更省，但效果可能打折。",
    ),
    "keys.additional_target": Text(
        "Modules outside LoRA to train in full and save with the adapter, such as embed_tokens,lm_head.",
        "除 LoRA 外还要完整训练并随适配器一起保存的模块，如 embed_tokens,lm_head。",
    ),
    "keys.additional_target.effect": Text(
        (
            "Needed when tokens are added. Each such module is large, so memory and the adapter's files "
            "grow a lot."
        ),
        "新增词元时需要设置；这类模块参数量大，会明显增加内存占用和适配器体积。",
    ),
    "keys.use_rslora": Text(
        "Scale by alpha / square root of rank (rsLoRA), so that high ranks still learn well.",
        "使用 rsLoRA：缩放系数改为 alpha / √rank，秩较大时训练更有效。",
    ),
    "keys.use_dora": Text(
        "Train size and direction of the weights apart (DoRA): often a little better, but slower.",
        "使用 DoRA：将权重分解为幅值和方向分别训练，效果往往略好，但速度更慢。",
    ),
    "keys.pissa_init": Text(
        "Start the adapter from the largest components of the weights (PiSSA) instead of from zero change.",
        "使用 PiSSA：以权重的主奇异分量初始化适配器，而不是从零增量开始。",
    ),
    "keys.pissa_iter": Text(
        "Iterations of the fast decomposition that PiSSA starts from; -1 computes it exactly.",
        "PiSSA 初始化时快速 SVD 的迭代次数；-1 表示做完整的 SVD。",
    ),
    "keys.pissa_iter.effect": Text(
        "More iterations, or -1, are more exact but take longer to start; too few give a rougher start.",
        "次数越多（或设为 -1）越精确，但初始化更慢；过少则初始化较粗糙。",
    ),
    "keys.loraplus_lr_ratio": Text(
        "LoRA+: how many times faster matrix B learns than matrix A. Unset: both at the same rate.",
        "LoRA+：B 矩阵学习率是 A 矩阵的多少倍；不填则两者相同。",
    ),
    "keys.loraplus_lr_ratio.effect": Text(
        "Too large: the loss jumps or diverges. Near 1 it changes nothing; 16 is a common start.",
        "过大：损失震荡甚至发散。接近 1 则几乎没有作用；常以 16 为起点。",
    ),
    "keys.loraplus_lr_embedding": Text(
        "LoRA+: learning rate of adapters on embedding layers. It counts only with loraplus_lr_ratio.",
        "LoRA+：词嵌入层上适配器的学习率，仅在设置了 loraplus_lr_ratio 时有效。",
    ),
    "keys.loraplus_lr_embedding.effect": Text(
        (
            "Too large: the meaning of tokens drifts and the output breaks. Too small: the embeddings "
            "hardly change."
        ),
        "过大：词向量被带偏，输出变乱。过小：词嵌入几乎不变。",
    ),
    "keys.create_new_adapter": Text(
        "Merge all given adapters and train a fresh one, instead of training the last one further.",
        "将已有适配器全部合并，再训练一个新适配器，而不是接着训练最后一个。",
    ),
    # freeze: some layers trained, the rest frozen
    "keys.freeze_trainable_layers": Text(
        "How many layers to train: positive counts from the last one back, negative from the first one on.",
        "训练多少层：正数为最后 n 层，负数为最前 n 层。",
    ),
    "keys.freeze_trainable_layers.effect": Text(
        (
            "More layers learn more but need more memory and forget sooner; with too few the model can't "
            "take in the data."
        ),
        "层数越多，学习能力越强，但内存占用更大、更易遗忘；过少则学不进去。",
    ),
    "keys.freeze_trainable_modules": Text(
        "Which modules of those layers to train, separated by commas; all means every one.",
        "上述各层中要训练的模块名，以逗号分隔；all 表示全部。",
    ),
    "keys.freeze_extra_modules": Text(
        "Modules outside the layers to train as well, such as embed_tokens, separated by commas.",
        "各层之外还要训练的模块名（如 embed_tokens），以逗号分隔。",
    ),
    # optimisation: batches, steps, learning rate
    "keys.per_device_train_batch_size": Text(
        "Rows per device that go through the model at once while training.",
        "训练时每个设备一次处理的样本数。",
    ),
    "keys.per_device_train_batch_size.effect": Text(
        (
            "Too large: out of memory. Too small: the device idles and the loss is noisy; gradient "
            "accumulation evens that out."
        ),
        "过大：内存不足。过小：算力利用率低、损失波动大，可用梯度累积弥补。",
    ),
    "keys.per_device_eval_batch_size": Text(
        "Rows per device that go through the model at once while evaluating.",
        "评估时每个设备一次处理的样本数。",
    ),
    "keys.per_device_eval_batch_size.effect": Text(
        "Too large: out of memory. Too small: evaluation is slower; its result stays the same.",
        "过大：内存不足。过小：评估变慢，但不影响结果。",
    ),
    "keys.gradient_accumulation_steps": Text(
        (
            "Batches whose gradients are summed up before one update; multiplies the batch size at no "
            "memory cost."
        ),
        "梯度累积步数：累积多少个批次的梯度后更新一次参数，等效于放大批次而不增加内存。",
    ),
    "keys.gradient_accumulation_steps.effect": Text(
        (
            "Too large: few updates, so training learns little in the same time. Too small: noisy updates "
            "and an unsteady loss."
        ),
        "过大：更新次数少，同样时间内学得少。过小：梯度噪声大，损失不稳。",
    ),
    "keys.num_train_epochs": Text(
        (
            "How many times the whole dataset is gone through; fractions are allowed. Ignored if max_steps "
            "is set."
        ),
        "训练轮数：完整遍历数据集的次数，可为小数；设置 max_steps 后不起作用。",
    ),
    "keys.num_train_epochs.effect": Text(
        (
            "Too many: the model learns the rows by heart (overfits). Too few: it has not learnt them yet "
            "(underfits)."
        ),
        "过多：死记训练数据（过拟合）。过少：还没学会就结束（欠拟合）。",
    ),
    "keys.max_steps": Text(
        "Stop after this many updates, whatever num_train_epochs says. -1: go by epochs.",
        "最多更新多少步，优先于 num_train_epochs；-1 表示按轮数训练。",
    ),
    "keys.max_steps.effect": Text(
        "Too many: overfitting, as with too many epochs. Too few: training ends before the data is learnt.",
        "过多：和轮数过多一样会过拟合。过少：数据还没学会训练就结束了。",
    ),
    "keys.learning_rate": Text(
        "The peak learning rate: how far each update moves the weights.",
        "学习率（峰值）：每次更新时参数移动的幅度。",
    ),
    "keys.learning_rate.effect": Text(
        (
            "Too large: the loss jumps or diverges and old skills are lost. Too small: the loss falls "
            "slowly or sticks."
        ),
        "过大：损失震荡甚至发散，并遗忘原有能力。过小：损失下降缓慢，甚至停滞。",
    ),
    "keys.weight_decay": Text(
        "How strongly weights are pulled towards zero at each update. 0: not at all.",
        "权重衰减：每次更新时把参数拉向零的强度；0 表示不使用。",
    ),
    "keys.weight_decay.effect": Text(
        "Too large: the model can't learn the data. At 0, long training overfits a little sooner.",
        "过大：抑制学习，导致欠拟合。为 0 时长时间训练略易过拟合。",
    ),
    "keys.max_grad_norm": Text(
        "Gradient clipping: gradients longer than this are shortened to it. 0: no clipping.",
        "梯度裁剪阈值：梯度范数超过该值时按比例缩小；0 表示不裁剪。",
    ),
    "keys.max_grad_norm.effect": Text(
        (
            "Too large: one odd batch can throw the weights off. Too small: every update is shortened and "
            "learning is slow."
        ),
        "过大：异常批次可能引发梯度爆炸。过小：每次更新都被压缩，学得慢。",
    ),
    "keys.optim": Text(
        "The optimizer, by its transformers name, such as adamw_torch.",
        "优化器，使用 transformers 中的名称，如 adamw_torch。",
    ),
    "keys.lr_scheduler_type": Text(
        "How the learning rate changes over the run, such as linear, cosine or constant.",
        "学习率调度方式，即学习率在训练中如何变化，如 linear、cosine、constant。",
    ),
    "keys.lr_scheduler_type.effect": Text(
        (
            "A decaying rate (cosine, linear) settles the loss at the end; constant keeps it moving, and "
            "has no warm-up either."
        ),
        "衰减型（cosine、linear）有助于后期收敛；constant 后期损失仍会波动，且不含预热。",
    ),
    "keys.lr_scheduler_kwargs": Text(
        "Further settings of the scheduler as names and values, such as num_cycles. Unset: its defaults.",
        "学习率调度器的额外参数（名称到值的映射），如 num_cycles；不填则用默认值。",
    ),
    "keys.warmup_ratio": Text(
        (
            "Share of all steps over which the learning rate climbs from 0 to its peak. Ignored if "
            "warmup_steps is set."
        ),
        "预热比例：学习率从 0 升到峰值所占的总步数比例；设置 warmup_steps 后不起作用。",
    ),
    "keys.warmup_ratio.effect": Text(
        (
            "Too large: little is left to train at full rate. Too small: the first updates can upset the "
            "model; 0.03 to 0.1 is common."
        ),
        "过大：以正常学习率训练的时间太短。过小：开头的更新容易破坏模型；常用 0.03～0.1。",
    ),
    "keys.warmup_steps": Text(
        (
            "Steps over which the learning rate climbs from 0 to its peak; below 1 a share of all steps. "
            "0: none."
        ),
        "预热步数：学习率用多少步从 0 升到峰值；小于 1 为总步数的比例，0 表示不预热。",
    ),
    "keys.warmup_steps.effect": Text(
        (
            "Too many: a short run never reaches full rate. Too few: a high learning rate hits at once and "
            "the loss may jump."
        ),
        "过多：训练较短时学习率还没升到峰值就结束了。过少：一上来学习率就很高，损失可能突增。",
    ),
    "keys.neftune_noise_alpha": Text(
        "Strength of the random noise added to embeddings while training (NEFTune). Unset: no noise.",
        "NEFTune 噪声强度：训练时在词嵌入上加入随机噪声；不填则不加。",
    ),
    "keys.neftune_noise_alpha.effect": Text(
        (
            "Too large: the input is drowned in noise and learning suffers. Too small: no effect; 5 to 15 "
            "is usual."
        ),
        "过大：噪声淹没输入，影响学习。过小：没有效果；常用 5～15。",
    ),
    "keys.seed": Text(
        "Number that fixes all random choices, so that a run can be repeated.",
        "随机种子，用于复现训练结果。",
    ),
    "keys.data_seed": Text(
        "Random seed for the order of the data alone. Unset: as seed.",
        "仅用于数据顺序的随机种子；不填则与 seed 相同。",
    ),
    # precision: number formats and memory
    "keys.bf16": Text(
        (
            "Compute in bfloat16, with the range of float32 at half the size. Unset: chosen to suit the "
            "hardware."
        ),
        "使用 bfloat16 混合精度计算：数值范围与 float32 相同，占用减半；不填则按硬件自动选择。",
    ),
    "keys.bf16.effect": Text(
        (
            "On: less memory and, on GPUs that have it (Ampere and later), fast. Off, with fp16 off too: "
            "exact, but slow and large."
        ),
        "开启：省内存，在支持的显卡（Ampere 及以后）上更快。与 fp16 都关闭：精度最高，但慢且占内存。",
    ),
    "keys.fp16": Text(
        "Compute in float16, for GPUs without fast bfloat16. Unset: chosen to suit the hardware.",
        "使用 float16 混合精度计算，适合不支持 bfloat16 的显卡；不填则按硬件自动选择。",
    ),
    "keys.fp16.effect": Text(
        (
            "On: less memory, and fast on older GPUs, but large values overflow and the loss can turn NaN; "
            "prefer bf16 if it's fast."
        ),
        "开启：省内存，在老显卡上也快，但数值易溢出，损失可能变成 NaN；硬件支持时优先用 bf16。",
    ),
    "keys.pure_bf16": Text(
        "Hold the trained weights in bfloat16 too, not only the computation.",
        "可训练参数本身也用 bfloat16 存储，不再使用混合精度。",
    ),
    "keys.pure_bf16.effect": Text(
        (
            "On: the least memory, but small updates are rounded away. Off: weights are updated in "
            "float32, steadier and larger."
        ),
        "开启：最省内存，但微小的更新会被舍入掉。关闭：参数以 float32 更新，更稳但占用更多。",
    ),
    "keys.upcast_layernorm": Text(
        "Hold the layer normalisation weights in float32: steadier, for slightly more memory.",
        "LayerNorm 权重使用 float32：训练更稳定，内存略增。",
    ),
    "keys.disable_gradient_checkpointing": Text(
        "Never compute intermediate results twice, even where gradient_checkpointing is set.",
        "始终不使用梯度检查点，即使设置了 gradient_checkpointing。",
    ),
    "keys.disable_gradient_checkpointing.effect": Text(
        "Checkpointing is off unless gradient_checkpointing: true; it saves memory and costs about a third more time.",
        "默认不使用梯度检查点；设置 gradient_checkpointing: true 可节省内存，但耗时约增加三分之一。",
    ),
    "keys.enable_liger_kernel": Text(
        "Use Liger's fused GPU kernels, which save memory and time on the models that they support.",
        "使用 Liger 融合算子，在其支持的模型上节省内存并提速。",
    ),
    # quantization: the frozen weights in fewer bits
    "keys.group.quantization": Text("Quantisation", "量化"),
    "keys.quantization_bit": Text(
        "Hold the frozen weights in so many bits while a LoRA trains on them: 4 or 8. Unset: not quantised.",
        "训练 LoRA 时冻结权重的存储位数：4 或 8；不填则不量化。",
    ),
    "keys.quantization_bit.effect": Text(
        "Fewer bits: less memory, and on CPUs with int8 more speed, for slightly less exact gradients.",
        "位数越少越省内存，在支持 int8 的 CPU 上也更快，但梯度的精度略有下降。",
    ),
    "keys.quantization_method": Text(
        "How they are quantised: bnb (bitsandbytes, needs a CUDA GPU) or int8 (on a CPU). Unset: to suit the device.",
        "量化方式：bnb（bitsandbytes，需要 CUDA 显卡）或 int8（用于 CPU）；不填则按设备自动选择。",
    ),
    "keys.quantization_type": Text(
        "The number format of 4 bits with bnb: nf4, made for weights, or fp4.",
        "bnb 的 4 位数值格式：nf4（适合权重分布）或 fp4。",
    ),
    "keys.double_quantization": Text(
        "With 4 bits of bnb: quantise the scales as well, which saves a little more memory.",
        "使用 bnb 的 4 位量化时，对量化系数再次量化，可再省少量内存。",
    ),
    # output: what a run writes, how often, and what it tells
    "keys.output_dir": Text(
        "Folder for the trained model and its checkpoints. Unset: a folder of the run's own.",
        "训练结果和检查点的保存位置；不填则保存在该次训练自己的文件夹中。",
    ),
    "keys.overwrite_output_dir": Text(
        "Allow writing into an output folder that already holds files.",
        "允许写入已有内容的输出文件夹。",
    ),
    "keys.run_name": Text(
        "A name to recognise the run by. Unset: one is made up.",
        "训练的名称，便于辨认；不填则自动生成。",
    ),
    "keys.do_train": Text(
        "Train the model; false only predicts. Unset: true, but false with do_predict, as LLaMA-Factory reads it.",
        "是否执行训练；设为 false 则只做预测。不填时为 true；若设置了 do_predict 则为 false，与 LLaMA-Factory 一致。",
    ),
    "keys.do_predict": Text(
        "At the end, answer eval_dataset (or the rows that val_size holds back) and score the answers, as conch "
        "predict does. Add do_train: true to train before.",
        "最后对 eval_dataset（或 val_size 留出的数据）生成回答并评分，与 conch predict 相同；"
        "需要先训练时请加上 do_train: true。",
    ),
    "keys.do_eval": Text(
        "Evaluate once more at the end. Evaluation during training is set by eval_strategy.",
        "训练结束后再评估一次；训练过程中的评估由 eval_strategy 控制。",
    ),
    "keys.logging_steps": Text(
        "Report loss and speed every so many steps; below 1 a share of all steps.",
        "每隔多少步记录一次损失和速度；小于 1 为总步数的比例。",
    ),
    "keys.logging_steps.effect": Text(
        "Too large: the loss curve has few points. Too small: a noisy curve, and slightly slower training.",
        "过大：损失曲线的点太少。过小：曲线噪声大，训练略慢。",
    ),
    "keys.logging_first_step": Text(
        "Report the first step too, whatever logging_steps says.",
        "第一步也记录，不受 logging_steps 限制。",
    ),
    "keys.save_strategy": Text(
        "When checkpoints are written: no, every save_steps steps (steps), or once an epoch (epoch).",
        "何时保存检查点：no 不保存，steps 每隔 save_steps 步，epoch 每轮一次。",
    ),
    "keys.save_steps": Text(
        "Write a checkpoint every so many steps; below 1 a share of all steps.",
        "每隔多少步保存一次检查点；小于 1 为总步数的比例。",
    ),
    "keys.save_steps.effect": Text(
        "Too large: a crash loses more work. Too small: time and disk go into saving.",
        "过大：中断时损失的进度多。过小：频繁写盘，拖慢训练并占满磁盘。",
    ),
    "keys.save_total_limit": Text(
        (
            "How many checkpoints to keep; older ones are deleted, the best one stays if it is needed. "
            "Unset: all."
        ),
        "最多保留多少个检查点，超出时删除较旧的（需要时保留最优的）；不填则全部保留。",
    ),
    "keys.save_total_limit.effect": Text(
        (
            "Too large, or unset: the disk fills up. Too small: earlier states are gone if the run later "
            "overfits."
        ),
        "过大或不填：磁盘容易写满。过小：后期过拟合时无法回到更早的检查点。",
    ),
    "keys.save_disk_budget": Text(
        "How much disk all checkpoints together may take, such as 2GB; the oldest are deleted, never the "
        "newest or the best. Unset: no bound.",
        "全部检查点最多占用多少磁盘空间，如 2GB；超出时删除最旧的，最新和最优的始终保留；不填则不限。",
    ),
    "keys.save_disk_budget.effect": Text(
        "Too large, or unset: the disk fills up. Too small: only the newest and the best checkpoint stay.",
        "过大或不填：磁盘容易写满。过小：只剩最新和最优的检查点。",
    ),
    "keys.disk_wait_minutes": Text(
        "How long a run waits for room when the disk is full before it stops, to be resumed later.",
        "磁盘写满时最多等待多少分钟，仍无空间则停止，之后可以恢复。",
    ),
    "keys.disk_wait_minutes.effect": Text(
        "Too long: the device stays taken while nothing happens. Too short: the run stops although room "
        "would have come.",
        "过长：设备被占用而无进展。过短：稍等即可继续的训练被停止。",
    ),
    "keys.save_only_model": Text(
        "Save checkpoints without optimizer and progress: smaller, but training can't be resumed from them.",
        "检查点只保存模型，不含优化器和训练进度：体积小，但不能从中继续训练。",
    ),
    "keys.eval_strategy": Text(
        (
            "When to evaluate: no, steps or epoch. Unset: steps if eval_steps is set, else each epoch if "
            "there are rows for it."
        ),
        "何时评估：no、steps 或 epoch；不填时，设了 eval_steps 则按步数，否则有评估数据就每轮一次。",
    ),
    "keys.eval_steps": Text(
        (
            "Evaluate every so many steps; below 1 a share of all steps. Unset, with eval_strategy steps: "
            "as logging_steps."
        ),
        "每隔多少步评估一次；小于 1 为总步数的比例；按步数评估而不填时与 logging_steps 相同。",
    ),
    "keys.eval_steps.effect": Text(
        "Too large: overfitting is seen late. Too small: much of the time goes into evaluation.",
        "过大：过拟合发现得晚。过小：大量时间花在评估上。",
    ),
    "keys.load_best_model_at_end": Text(
        "Keep the checkpoint with the best evaluation as the result, instead of the last one.",
        "训练结束后以评估最好的检查点作为最终结果，而不是最后一个。",
    ),
    "keys.metric_for_best_model": Text(
        "The figure by which the best checkpoint is chosen. Unset: the evaluation loss.",
        "用哪个指标挑选最优检查点；不填则用评估损失。",
    ),
    "keys.greater_is_better": Text(
        "Whether a higher metric_for_best_model is better. Unset: no for losses, yes for all else.",
        "metric_for_best_model 是否越大越好；不填时，损失类指标为否，其余为是。",
    ),
    "keys.early_stopping_steps": Text(
        "Stop after this many evaluations in a row without improvement. Unset: never stop early.",
        "早停：评估指标连续多少次没有改善就停止训练；不填则不早停。",
    ),
    "keys.early_stopping_steps.effect": Text(
        (
            "Too large: time is spent on overfitting. Too small: one unlucky evaluation ends a run that "
            "was still learning."
        ),
        "过大：过拟合后仍在白白训练。过小：一次评估波动就可能过早终止训练。",
    ),
    "keys.resume_from_checkpoint": Text(
        (
            "Go on from a checkpoint: its path, or true or auto for the latest in the output folder. "
            "Unset: start anew."
        ),
        "从检查点继续训练：填路径，或填 true、auto 使用输出文件夹中最新的；不填则从头开始。",
    ),
    "keys.plot_loss": Text(
        "Draw the loss curve into training_loss.png at the end.",
        "训练结束后绘制损失曲线，保存为 training_loss.png。",
    ),
    "keys.compute_accuracy": Text(
        "Also report at each evaluation how many tokens are predicted right.",
        "评估时同时计算词元级准确率。",
    ),
    "keys.group.samples": Text("Answers while training", "训练中的示例回答"),
    "keys.sample_prompts": Text(
        "Prompts that the model answers before the first step, at each evaluation and at the end, so that its "
        "progress can be read: a list, or a .txt file with one a line.",
        "训练开始前、每次评估时和结束时让模型回答的提示，便于直接阅读训练效果：可写列表，或每行一条的 .txt 文件。",
    ),
    "keys.sample_tokens": Text(
        "The longest such answer, in tokens. Long answers take time from training.",
        "每条示例回答的最大长度（词元）；过长会占用训练时间。",
    ),
    "keys.group.notify": Text("After the end", "结束之后"),
    "keys.notify": Text(
        "Whom to tell when the run has ended: names in CONCH_HOME/notify.yaml (webhook, Feishu, DingTalk, WeCom, "
        "mail) or addresses, which are kept there and not with the run.",
        "训练结束时通知谁：CONCH_HOME/notify.yaml 中的名称（webhook、飞书、钉钉、企业微信、邮件），或直接写网址；"
        "网址会保存在该文件中，不写入训练记录。",
    ),
    "keys.after_command": Text(
        "A shell command to run once the weights are written and read back whole, such as one that shuts a rented "
        "machine down. It finds the run's facts in CONCH_RUN_... variables.",
        "权重写好并校验完整后执行的命令，例如关闭租用的机器；训练信息在 CONCH_RUN_... 环境变量中。",
    ),
    "keys.group.trackers": Text("Experiment trackers", "实验跟踪"),
    "keys.report_to": Text(
        "Experiment trackers to send figures to, by a process of its own; none sends nothing, all means every one "
        "that is installed.",
        "把训练指标上报到哪些实验跟踪平台，由独立进程完成；none 表示不上报，all 表示所有已安装的平台。",
    ),
    "keys.project": Text("The project that trackers file the run under.", "跟踪平台中的项目名称。"),
    "keys.use_swanlab": Text("Send figures to SwanLab, too.", "同时上报到 SwanLab。"),
    "keys.swanlab_project": Text(
        "The project in SwanLab. Unset: as project.", "SwanLab 项目名；不填则同 project。"
    ),
    "keys.swanlab_workspace": Text(
        "The workspace in SwanLab. Unset: your own.", "SwanLab 工作空间；不填则为个人空间。"
    ),
    "keys.swanlab_run_name": Text(
        "The name in SwanLab. Unset: as run_name.", "SwanLab 实验名；不填则同 run_name。"
    ),
    "keys.swanlab_mode": Text(
        "Where SwanLab writes: cloud, local, offline, or nowhere (disabled).",
        "SwanLab 的写入方式：cloud 云端、local 本地、offline 离线、disabled 不写入。",
    ),
    "keys.swanlab_logdir": Text(
        "Where SwanLab writes files. Unset: with the run.", "SwanLab 的文件夹；不填则在该次训练的文件夹中。"
    ),
    "keys.trackio_space_id": Text(
        "The hub Space that shows Trackio's dashboard. Unset: on this machine.",
        "显示 Trackio 面板的 Space；不填则在本机。",
    ),
    # generation: how text is sampled
    "keys.do_sample": Text(
        (
            "Draw each token at random by its probability; false always takes the likeliest. Unset: as the "
            "model says."
        ),
        "是否按概率随机采样；false 则总取概率最高的词元；不填则用模型自带的生成配置。",
    ),
    "keys.temperature": Text(
        (
            "How bold sampling is: below 1 likely tokens gain, above 1 unlikely ones do. Unset: as the "
            "model says."
        ),
        "采样温度：小于 1 更偏向高概率词元，大于 1 更随机；不填则用模型自带的生成配置。",
    ),
    "keys.temperature.effect": Text(
        (
            "Too large: answers ramble or turn into nonsense. Too small: dull answers, nearly the same "
            "each time."
        ),
        "过大：回答跑题甚至语无伦次。过小：回答单调，每次几乎一样。",
    ),
    "keys.top_p": Text(
        (
            "Sample only from the likeliest tokens that together reach this probability. Unset: as the "
            "model says."
        ),
        "核采样：只在累计概率达到该值的高概率词元中采样；不填则用模型自带的生成配置。",
    ),
    "keys.top_p.effect": Text(
        "Near 1: odd tokens slip in. Too small: answers are repetitive and lack variety.",
        "接近 1：容易混入不合适的词元。过小：回答缺少变化、易重复。",
    ),
    "keys.top_k": Text(
        "Sample only from this many of the likeliest tokens; 0 sets no limit. Unset: as the model says.",
        "只在概率最高的 k 个词元中采样，0 表示不限制；不填则用模型自带的生成配置。",
    ),
    "keys.top_k.effect": Text(
        "Too large: unlikely tokens slip in. Too small: little variety; 1 always takes the likeliest.",
        "过大：容易混入低概率词元。过小：缺少变化，为 1 时总取概率最高的。",
    ),
    "keys.max_new_tokens": Text(
        "The most tokens an answer may have, the prompt not counted.",
        "回答最多生成多少个词元，不含提示。",
    ),
    "keys.max_new_tokens.effect": Text(
        "Too large: an answer that finds no end takes long. Too small: answers break off in mid-sentence.",
        "过大：回答停不下来时耗时很长。过小：回答说到一半就被截断。",
    ),
    "keys.repetition_penalty": Text(
        "Makes tokens that already occurred less likely; 1 does nothing. Unset: as the model says.",
        "重复惩罚：降低已出现词元的概率，1 表示不惩罚；不填则用模型自带的生成配置。",
    ),
    "keys.repetition_penalty.effect": Text(
        (
            "Too large: needed words are avoided and the text turns odd. At 1 or below, small models may "
            "repeat themselves."
        ),
        "过大：连必要的词也回避，语句不通。为 1 或更小时，小模型容易反复重复。",
    ),
    "keys.skip_special_tokens": Text(
        "Leave special tokens, such as the end-of-turn mark, out of the shown text.",
        "输出文本中去掉特殊词元（如结束词元）。",
    ),
    # what more or less of them causes
    "keys.preprocessing_num_workers.effect": Text(
        "Too many: each holds rows of its own in memory, and small data waits for them to start. Too few: large data takes longer before the first step.",
        "过多：每个进程都占用内存，小数据集反而更慢。过少：数据量大时要等更久才能开始训练。",
    ),
    "keys.sample_tokens.effect": Text(
        "Too many: training waits for long answers. Too few: answers are cut before they say what the model has learnt.",
        "过大：训练要等待较长的回答。过小：回答被截断，看不出学到了什么。",
    ),
    "keys.seed.effect": Text(
        "No number is better than another. Where two seeds give very different results, the data are too few.",
        "数值本身无好坏之分；若不同种子的结果相差很大，说明数据太少。",
    ),
    "keys.data_seed.effect": Text(
        "No number is better than another: it only changes the order of the rows.",
        "数值本身无好坏之分，只影响样本顺序。",
    ),
    "keys.adam_beta1.effect": Text(
        "Too large: updates follow old rows and react late. Too small: each batch pulls its own way and the loss is jumpy.",
        "过大：更新滞后于新数据。过小：受单个批次影响大，损失波动明显。",
    ),
    "keys.adam_beta2.effect": Text(
        "Too large: after a sudden change steps stay small for long. Too small: the size of steps varies wildly.",
        "过大：梯度突变后步长长时间偏小。过小：步长忽大忽小。",
    ),
    "keys.adam_epsilon.effect": Text(
        "Too large: weights with small gradients hardly move. Too small: rounding may make steps explode in 16 bits.",
        "过大：梯度小的权重几乎不更新。过小：16 位精度下可能因舍入导致步长异常。",
    ),
    "keys.dataloader_num_workers.effect": Text(
        "Too many: each takes memory and a core from training. Too few: only rows that are slow to read are waited for; tokenised ones rarely are.",
        "过多：占用内存，并与训练争抢核心。过少：仅当读取数据较慢时才会等待，已分词的数据很少如此。",
    ),
    "keys.dataloader_prefetch_factor.effect": Text(
        "Too large: more memory for batches that wait. Too small: training may wait for the next batch.",
        "过大：等待中的批次占用更多内存。过小：训练可能要等待下一批数据。",
    ),
    "keys.eval_delay.effect": Text(
        "Too large: overfitting is seen late. Too small: early evaluations take time and say little.",
        "过大：过拟合发现得晚。过小：早期评估耗时且意义不大。",
    ),
    "keys.torch_empty_cache_steps.effect": Text(
        "Too often: each time costs speed. Too seldom: memory that lies idle is kept from other programs.",
        "过于频繁：每次都会降低速度。过少：闲置显存不能及时归还给其他程序。",
    ),
    "keys.gradient_checkpointing.effect": Text(
        "On: about a third slower, far less memory for long rows. Off: faster, where the memory suffices.",
        "开启：速度约慢三分之一，但长样本占用的内存大幅减少。关闭：内存足够时更快。",
    ),
    "keys.train_on_prompt.effect": Text(
        "On: the model also learns to write questions like yours, which dilutes short answers. Off suits chat.",
        "开启：模型也会学习生成提问，回答较短时效果会被稀释。对话场景宜关闭。",
    ),
    "keys.mask_history.effect": Text(
        "On: earlier answers of a conversation teach nothing, so there is less to learn from. Off suits conversations whose every answer is good.",
        "开启：前几轮回答不参与学习，可学内容变少。若每轮回答质量都好，宜关闭。",
    ),
    # prediction: how a dataset is answered
    "keys.group.prediction": Text("Prediction", "批量预测"),
    "keys.predict_with_generate": Text(
        "Whether prediction generates answers. do_predict always does; false beside it is refused.",
        "预测时是否生成回答。do_predict 总会生成，与 false 同时使用会被拒绝。",
    ),
    "keys.infer_backend": Text(
        "What computes the answers: huggingface (the model by transformers), llamacpp (on a CPU, weights in "
        "16 bits), or auto, whichever suits the machine.",
        "用什么计算回答：huggingface（由 transformers 运行模型）、llamacpp（CPU 上运行，权重为 16 位）"
        "或 auto（按机器选择）。",
    ),
    "keys.max_length": Text(
        "The most tokens of prompt and answer together. Counts only where max_new_tokens is unset; where both are, "
        "answers have at most 1024 tokens.",
        "提示与回答合计最多多少个词元；仅在未设置 max_new_tokens 时生效。两者都不设置时，回答最多 1024 个词元。",
    ),
    "keys.max_length.effect": Text(
        "Too small: long prompts leave little or no room for an answer, and such rows are left unanswered.",
        "过小：较长的提示会挤占回答的空间，没有空间的数据不会被预测。",
    ),
    "keys.num_beams": Text(
        "Number of answers searched side by side (beams), of which the likeliest is given; 1 is no beam search.",
        "束搜索的束宽：并行搜索多个回答，取概率最高的一个；1 表示不使用束搜索。",
    ),
    "keys.num_beams.effect": Text(
        "Larger: likelier answers, often shorter and duller, at so many times the work.",
        "越大：回答的概率越高，但往往更短、更平淡，计算量也按倍数增加。",
    ),
    "keys.length_penalty": Text(
        "With beams: above 0 prefers longer answers, below 0 shorter ones.",
        "用于束搜索：大于 0 偏好较长的回答，小于 0 偏好较短的回答。",
    ),
    "keys.length_penalty.effect": Text(
        "Too large: answers run on. Too small: they end before all is said.",
        "过大：回答冗长。过小：话没说完就结束。",
    ),
}
