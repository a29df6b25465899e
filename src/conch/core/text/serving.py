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
    # starting and stopping
    "serving.loading": Text("Loading {name} …", "正在加载 {name} …"),
    "serving.adapter_live": Text(
        "Adapter {name} is live: it moves log-probabilities by up to {moved}.",
        "适配器 {name} 已生效：对数概率最大变化 {moved}。",
    ),
    "serving.ready": Text("Serving {models} at {url}", "已启动：{url}，模型：{models}"),
    "serving.open": Text(
        "Open to the network: other machines reach it at {url}. Every request needs the key: {key}.",
        "已对网络开放：其他机器可通过 {url} 访问。每个请求都需要密钥：{key}。",
    ),
    "serving.key_is.made": Text("the one below", "见下一行"),
    "serving.key_is.environment": Text("the one in CONCH_API_KEY", "环境变量 CONCH_API_KEY 中的密钥"),
    "serving.key_is.file": Text("the one in the file of --api-key-file", "--api-key-file 文件中的密钥"),
    "serving.key_is.config": Text("api_key of the config file", "配置文件中的 api_key"),
    "serving.key_is.ring": Text("one of conch keys list", "conch keys list 中的任一密钥"),
    "serving.key_is.word": Text("the one given with --api-key", "--api-key 给出的密钥"),
    "serving.made_key": Text(
        "Key (made for this run, shown once): {key}", "访问密钥（本次启动时生成，仅显示一次）：{key}"
    ),
    "serving.your_key": Text("YOUR_KEY", "您的密钥"),
    "serving.see_docs": Text("Every route, to read and try: {url}", "查看并试用全部接口：{url}"),
    "serving.try": Text("Try it:", "试一试："),
    "serving.how_to_stop": Text("Ctrl-C stops the server.", "按 Ctrl-C 停止服务。"),
    "serving.stopped": Text("Stopped.", "已停止。"),
    "serving.port_in_use": Text("Port {port} on {host} is in use.", "{host} 的端口 {port} 已被占用。"),
    "serving.port_in_use.fix": Text(
        "Choose another with --port, or let --port 0 find a free one.",
        "请用 --port 换一个端口，或用 --port 0 自动选择空闲端口。",
    ),
    "serving.port_forbidden": Text(
        "You may not listen on port {port} of {host}.", "没有权限监听 {host} 的端口 {port}。"
    ),
    "serving.port_forbidden.fix": Text(
        "Choose a port above 1023 with --port.", "请用 --port 指定大于 1023 的端口。"
    ),
    "serving.bad_host": Text("Can't listen on {host}: {reason}.", "无法监听 {host}：{reason}。"),
    "serving.bad_host.fix": Text(
        "Use 127.0.0.1 for this machine only, or 0.0.0.0 for every network.",
        "仅供本机使用请填 127.0.0.1，对所有网络开放请填 0.0.0.0。",
    ),
    "serving.blank_key": Text("The API key is blank.", "API 密钥为空。"),
    "serving.blank_key.fix": Text(
        "Give a key by --api-key-file, CONCH_API_KEY or --api-key, or none at all.",
        "请用 --api-key-file、CONCH_API_KEY 或 --api-key 给出密钥，或完全不设置。",
    ),
    "serving.two_keys": Text(
        "--api-key and --api-key-file are both given.", "同时给出了 --api-key 和 --api-key-file。"
    ),
    "serving.two_keys.fix": Text("Give one of them.", "请只保留其中一个。"),
    "serving.bad_key_file": Text(
        "No key can be read from {file}: {reason}.", "无法从 {file} 读取密钥：{reason}。"
    ),
    "serving.bad_key_file.fix": Text(
        "Name a text file that holds the key, and nothing else.", "请指定只含密钥的文本文件。"
    ),
    "serving.key_file.not_text": Text("it is not UTF-8 text", "不是 UTF-8 文本"),
    "serving.key_file.lines": Text("it holds {count} lines", "共有 {count} 行"),
    "serving.key_needed": Text(
        "A server on {host} can be reached from outside, and has no key.",
        "{host} 可从外部访问，但没有设置密钥。",
    ),
    "serving.key_needed.fix": Text(
        "Set api_key, or make a key: conch keys create NAME",
        "请设置 api_key，或新建密钥：conch keys create 名称",
    ),
    "serving.same_name": Text("Two models would be called '{name}'.", "有两个模型都叫 '{name}'。"),
    "serving.same_name.fix": Text(
        "Give each adapter a name of its own, or name the base with --name.",
        "请为每个适配器取不同的名称，或用 --name 为基座模型命名。",
    ),
    "serving.bad_adapter": Text("--adapter can't read '{word}'.", "--adapter 无法理解 '{word}'。"),
    "serving.bad_adapter.fix": Text(
        "Write NAME=PATH, such as --adapter shop=runs/1/output.",
        "请写成 名称=路径，例如 --adapter shop=runs/1/output。",
    ),
    # help
    "serving.cli.adapter": Text(
        "Serve the adapter in folder or run PATH as model NAME. May be given several times.",
        "以 NAME 为名部署 PATH（文件夹或训练编号）中的适配器，可多次给出。",
    ),
    "serving.cli.host": Text(
        "Address to listen on. Any but loopback needs a key.", "监听地址。除本机回环地址外都需要密钥。"
    ),
    "serving.cli.port": Text("Port to listen on; 0 finds a free one.", "监听端口；0 表示自动选择空闲端口。"),
    "serving.cli.name": Text("What the model is called in the API.", "模型在接口中的名称。"),
    "serving.cli.api_key": Text(
        "Key that every request must carry. Other users of this machine can see it in the list of "
        "processes: rather use --api-key-file or the environment variable CONCH_API_KEY.",
        "每个请求都必须携带的密钥。本机其他用户可在进程列表中看到它，建议改用 --api-key-file 或环境变量 CONCH_API_KEY。",
    ),
    "serving.cli.api_key_file": Text("Read the key from this text file.", "从该文本文件读取密钥。"),
    "serving.cli.require_key": Text(
        "Ask for a key on loopback, too, as behind a proxy or a forwarded port. Keys: conch keys.",
        "在本机回环地址上也要求密钥（例如经由代理或端口转发时）。密钥由 conch keys 管理。",
    ),
    "serving.cli.cors_origin": Text(
        "Let pages of this origin use the API from a browser. May be given several times.",
        "允许该来源的网页在浏览器中调用接口，可多次给出。",
    ),
    "serving.cli.adapter_dir": Text(
        "Folder whose adapters may be put on while the server serves.",
        "服务运行期间可加载的适配器所在文件夹。",
    ),
    "serving.cli.max_new_tokens": Text(
        "The most tokens of an answer where the request names no bound.",
        "请求未指定上限时，回答最多生成多少个词元。",
    ),
    "serving.cli.max_concurrent_requests": Text(
        "The most requests in hand; more are sent away with status 429.",
        "同时受理的最大请求数，超出的请求返回状态码 429。",
    ),
    "serving.cli.max_parallel_answers": Text(
        "The most answers made at once, over all requests; others wait. Each takes memory for its context. "
        "Unless given: 8 with llamacpp, 32 with transformers, 64 with vllm.",
        "所有请求合计同时生成的最大回答数，其余排队等待；每个回答都要为上下文占用内存。"
        "未指定时：llamacpp 为 8，transformers 为 32，vllm 为 64。",
    ),
    "serving.cli.request_seconds": Text(
        "The longest that a request may take, waiting included.", "单个请求的最长时间（秒），包括等待。"
    ),
    "serving.cli.engine": Text(
        "What computes the answers: llamacpp (on 16-bit weights, made once), transformers (on the weights as "
        "they are), vllm (on a GPU, in an environment of its own), or auto, which says what it chose and why.",
        "推理引擎：llamacpp（16 位权重，首次自动转换）、transformers（原始权重）、vllm（GPU，独立环境），"
        "或 auto（自动选择并说明理由）。",
    ),
    "serving.cli.gguf_type": Text(
        "How llamacpp holds the weights: q8_0 is the fastest, f16 answers nearest to the model on a CPU.",
        "llamacpp 的权重格式：q8_0 最快，f16 的回答最接近原模型。",
    ),
    "serving.cli.context_length": Text(
        "The most tokens of prompt and answer together (llamacpp, vllm); as many as the model and the memory "
        "allow, unless given.",
        "提示与回答合计的最大词元数（llamacpp、vllm），默认取模型与内存允许的最大值。",
    ),
    "serving.cli.json": Text(
        "Print address, models and key as one JSON document once the server is ready.",
        "服务就绪后以一个 JSON 文档输出地址、模型和密钥。",
    ),
    # requests that are refused
    "serving.with_fix": Text("{message} {fix}", "{message}{fix}"),
    "serving.no_key": Text("The request carries no key.", "请求未携带密钥。"),
    "serving.no_key.fix": Text(
        "Send the header 'Authorization: Bearer KEY'.", "请发送请求头 'Authorization: Bearer 密钥'。"
    ),
    "serving.wrong_key": Text("The key is not right.", "密钥不正确。"),
    "serving.wrong_key.fix": Text(
        "Use the key that the server was started with, or one of conch keys.",
        "请使用启动服务时的密钥，或 conch keys 中的密钥。",
    ),
    "serving.wrong_scope": Text(
        "The key is not for this: it lacks the scope {scope}.", "该密钥没有 {scope} 权限。"
    ),
    "serving.wrong_scope.fix": Text(
        "Use another key, or make one: conch keys create NAME --scope {scope}",
        "请换一个密钥，或新建：conch keys create 名称 --scope {scope}",
    ),
    "serving.foreign_host": Text(
        "This server answers only requests that are addressed to this machine (localhost).",
        "本服务只响应发往本机（localhost）的请求。",
    ),
    "serving.foreign_host.fix": Text(
        "Behind a proxy or a forwarded port, start it with --api-key.",
        "如经由代理或端口转发访问，请在启动时加上 --api-key。",
    ),
    "serving.foreign_page": Text(
        "This server answers no requests of other web pages.", "本服务不响应其他网页发出的请求。"
    ),
    "serving.foreign_page.fix": Text(
        "Send them from a program, or from this server's own page: /docs.",
        "请从程序或本服务自己的页面（/docs）发送请求。",
    ),
    "serving.template_refused": Text(
        "The model's chat template refuses messages with the roles {roles}: {reason}.",
        "模型的对话模板不接受角色为 {roles} 的消息：{reason}。",
    ),
    "serving.template_refused.fix": Text(
        "Leave the system message out, or let user and assistant take turns.",
        "请去掉 system 消息，或让 user 与 assistant 交替发言。",
    ),
    "serving.no_model": Text("There is no model '{name}' here.", "这里没有模型 '{name}'。"),
    "serving.no_model.fix": Text("Use one of: {known}.", "可用的模型：{known}。"),
    "serving.no_route": Text("There is nothing at this address.", "该地址不存在。"),
    "serving.no_route.fix": Text("See /docs for every route.", "全部接口请见 /docs。"),
    "serving.no_method": Text("This route does not take that method.", "该接口不支持此请求方法。"),
    "serving.no_method.fix": Text("See /docs for every route.", "全部接口请见 /docs。"),
    "serving.too_large": Text("The request is too large.", "请求内容过大。"),
    "serving.too_large.fix": Text("Send at most 8 MiB.", "请控制在 8 MiB 以内。"),
    "serving.refused": Text("The request was refused: {reason}.", "请求被拒绝：{reason}。"),
    "serving.refused.fix": Text("See /docs for every route.", "全部接口请见 /docs。"),
    "serving.bad_json": Text("The body is not a JSON object.", "请求体不是 JSON 对象。"),
    "serving.bad_json.fix": Text(
        "Send one, with the header 'Content-Type: application/json'.",
        "请发送 JSON 对象，并带上请求头 'Content-Type: application/json'。",
    ),
    "serving.unknown_field": Text("There is no field '{param}'.", "没有字段 '{param}'。"),
    "serving.unknown_field.fix": Text("Leave it out, or correct its name.", "请去掉该字段，或改正名称。"),
    "serving.unsupported": Text("This server can't honour '{param}'.", "本服务不支持 '{param}' 的这一取值。"),
    "serving.unsupported.fix": Text("Leave it out.", "请去掉该字段。"),
    "serving.two_bounds": Text(
        "max_tokens and max_completion_tokens are both given.",
        "同时给出了 max_tokens 和 max_completion_tokens。",
    ),
    "serving.two_bounds.fix": Text("Give one of them.", "请只保留其中一个。"),
    "serving.options_without_stream": Text(
        "stream_options is given, but the answer is not streamed.",
        "给出了 stream_options，但未启用流式输出。",
    ),
    "serving.options_without_stream.fix": Text("Set stream to true.", "请将 stream 设为 true。"),
    "serving.invalid": Text("{param} must be: {expected}.", "{param}：{expected}。"),
    "serving.invalid.fix": Text("See /docs for every field.", "全部字段请见 /docs。"),
    "serving.expect.list": Text("a list", "应为列表"),
    "serving.expect.unicode": Text("valid Unicode text", "应为有效的 Unicode 文本"),
    "serving.expect.at_most": Text("at most {bound} of them", "最多 {bound} 项"),
    "serving.expect.at_least": Text("at least {bound} of them", "至少 {bound} 项"),
    "serving.no_token": Text(
        "There is no token {token}: the model has {size}.", "没有词元 {token}：模型共有 {size} 个词元。"
    ),
    "serving.no_token.fix": Text("Count tokens from 0.", "词元编号从 0 开始。"),
    "serving.no_grammar": Text(
        "This model's tokenizer can't hold answers to a form.", "该模型的分词器不支持约束输出格式。"
    ),
    "serving.no_grammar.fix": Text("Leave response_format out.", "请去掉 response_format。"),
    "serving.bad_bias": Text(
        "logit_bias must name at most {most} tokens, by their numbers.",
        "logit_bias 最多包含 {most} 个词元，键为词元编号。",
    ),
    "serving.bad_bias.fix": Text("Get the numbers from /tokenize.", "词元编号可通过 /tokenize 获取。"),
    "serving.bad_arguments": Text(
        "{param} is not the text of a JSON object.", "{param} 不是 JSON 对象文本。"
    ),
    "serving.bad_arguments.fix": Text(
        "Send the arguments as the answer gave them.", "请按回答中的原文发送参数。"
    ),
    "serving.not_of_role": Text("{param} does not belong to this role.", "该角色不能带有 {param}。"),
    "serving.not_of_role.fix": Text("Leave it out.", "请去掉该字段。"),
    "serving.no_content": Text("{param} is missing.", "缺少 {param}。"),
    "serving.no_content.fix": Text("Say something.", "请填写内容。"),
    "serving.bad_schema": Text(
        "{param} is no JSON Schema that answers can be held to: {reason}.",
        "{param} 不是可用于约束输出的 JSON Schema：{reason}。",
    ),
    "serving.bad_schema.fix": Text("Correct or simplify the schema.", "请修正或简化该 schema。"),
    "serving.schema_and_type": Text(
        "{param} belongs to the type json_schema, and to no other.",
        "{param} 仅用于且必须用于 json_schema 类型。",
    ),
    "serving.schema_and_type.fix": Text("Give both, or neither.", "请同时给出两者，或都不给出。"),
    "serving.top_without_logprobs": Text(
        "top_logprobs is given, but logprobs is not.", "给出了 top_logprobs，但未启用 logprobs。"
    ),
    "serving.top_without_logprobs.fix": Text("Set logprobs to true.", "请将 logprobs 设为 true。"),
    "serving.choice_without_tools": Text(
        "tool_choice asks for a call, but there are no tools.", "tool_choice 要求调用函数，但没有给出 tools。"
    ),
    "serving.choice_without_tools.fix": Text("Give tools.", "请给出 tools。"),
    "serving.choice_not_offered": Text(
        "tool_choice names a function that is not among the tools.", "tool_choice 指定的函数不在 tools 中。"
    ),
    "serving.choice_not_offered.fix": Text("Name one of the tools.", "请指定 tools 中的函数。"),
    "serving.tools_same_name": Text("Two tools have the same name.", "有两个函数重名。"),
    "serving.tools_same_name.fix": Text("Rename one of them.", "请改名。"),
    "serving.format_with_tools": Text(
        "response_format and tools are both given: an answer can't be held to both.",
        "同时给出了 response_format 和 tools，无法同时满足。",
    ),
    "serving.format_with_tools.fix": Text(
        "Give one of them, or set tool_choice to none.", "请只保留其中一个，或将 tool_choice 设为 none。"
    ),
    "serving.no_tools": Text(
        "This model's chat template has no form for calls of functions that is known here.",
        "该模型的对话模板没有可识别的函数调用格式。",
    ),
    "serving.no_tools.fix": Text(
        "Leave tools out, or start the server with --template and a Jinja file that writes calls.",
        "请去掉 tools，或在启动时用 --template 指定能写出函数调用的 Jinja 文件。",
    ),
    "serving.no_strict": Text(
        "This model's way of writing calls can't be held to strict tools unless a call is required.",
        "该模型的调用格式仅在必须调用函数时支持 strict。",
    ),
    "serving.no_strict.fix": Text(
        "Leave strict out, or set tool_choice to required.", "请去掉 strict，或将 tool_choice 设为 required。"
    ),
    "serving.no_thinking": Text(
        "This model's chat template has no place for thoughts.", "该模型的对话模板不支持思考过程。"
    ),
    "serving.no_thinking.fix": Text("Leave enable_thinking out.", "请去掉 enable_thinking。"),
    "serving.nothing_asked": Text(
        "max_tokens is 0 and the prompt is not echoed: nothing is asked for.",
        "max_tokens 为 0 且未启用 echo，没有可返回的内容。",
    ),
    "serving.nothing_asked.fix": Text("Set echo to true.", "请将 echo 设为 true。"),
    "serving.prompt_or_messages": Text(
        "Either prompt or messages must be given.", "prompt 与 messages 必须且只能给出一个。"
    ),
    "serving.prompt_or_messages.fix": Text("Give one of them.", "请给出其中一个。"),
    "serving.still_loading": Text("The model is being loaded: {progress}", "模型正在加载：{progress}"),
    "serving.still_loading.fix": Text("Try again in a moment.", "请稍后重试。"),
    "serving.engine.asked": Text("as asked for", "按指定"),
    "serving.engine.gpu": Text(
        "there is a GPU ({device}), which computes the weights as they are",
        "检测到 GPU（{device}），直接使用原始权重",
    ),
    "serving.engine.cpu": Text(
        "there is no GPU, and it is the fastest on a CPU", "没有 GPU，它在 CPU 上最快"
    ),
    "serving.engine.many": Text(
        "there is no GPU, the model is small, and {answers} answers at once are wanted, which it decodes in one batch",
        "没有 GPU，模型较小，且需要同时生成 {answers} 个回答，它可将这些回答合为一批解码",
    ),
    "serving.engine.no_llamacpp": Text(
        "llama.cpp can't serve this model: {reason}", "llama.cpp 无法部署该模型：{reason}"
    ),
    "serving.engine.not_installed": Text("xllamacpp is not installed", "未安装 xllamacpp"),
    "serving.engine.remote_code": Text("the model brings code of its own", "该模型自带代码"),
    "serving.engine.chosen": Text("Engine: {engine} ({reason}).", "推理引擎：{engine}（{reason}）。"),
    "serving.no_llamacpp": Text(
        "llama.cpp can't serve this model: {reason}.", "llama.cpp 无法部署该模型：{reason}。"
    ),
    "serving.no_llamacpp.fix": Text(
        "Use --engine transformers, or install what is missing: pip install xllamacpp",
        "请使用 --engine transformers，或安装所缺的包：pip install xllamacpp",
    ),
    "serving.llamacpp_failed": Text(
        "llama.cpp can't load the model: {reason}.", "llama.cpp 无法加载模型：{reason}。"
    ),
    "serving.llamacpp_failed.fix": Text("Use --engine transformers.", "请使用 --engine transformers。"),
    "serving.llamacpp_ended": Text(
        "llama.cpp ended in the middle of the answer.", "llama.cpp 在回答过程中意外退出。"
    ),
    "serving.llamacpp_ended.fix": Text(
        "Try again: it is started anew. What ended it stands in the server's log.",
        "请重试：它会自动重新启动。退出原因见服务日志。",
    ),
    "serving.no_adapters": Text("This server takes no adapters.", "本服务不支持加载适配器。"),
    "serving.no_adapters.fix": Text("Start it with conch serve.", "请用 conch serve 启动。"),
    "serving.adapter_there": Text("A model called '{name}' is served already.", "已有名为 '{name}' 的模型。"),
    "serving.adapter_there.fix": Text(
        "Unload it first, or choose another lora_name.", "请先卸载，或更换 lora_name。"
    ),
    "serving.adapter_unfit": Text(
        "The adapter can't be used on this base. The server's log tells why.",
        "该适配器无法用于此基座模型，原因见服务日志。",
    ),
    "serving.adapter_unfit.fix": Text(
        "Use an adapter that was trained on this base.", "请使用在该基座模型上训练的适配器。"
    ),
    "serving.adapter_idle": Text(
        "The adapter changes nothing: with it the model foretells the same as without.",
        "该适配器不产生任何作用：加载后模型输出与基座完全相同。",
    ),
    "serving.adapter_idle.fix": Text(
        "Use a trained adapter of this base.", "请使用在该基座模型上训练过的适配器。"
    ),
    "serving.no_such_adapter": Text("There is no adapter '{name}' here.", "这里没有适配器 '{name}'。"),
    "serving.no_such_adapter.fix": Text(
        "Name a run, or a folder in the one given with --adapter-dir.",
        "请填写训练编号，或 --adapter-dir 文件夹中的子文件夹名。",
    ),
    "serving.adapter_gone": Text("The adapter '{name}' was taken off.", "适配器 '{name}' 已被卸载。"),
    "serving.adapter_gone.fix": Text("Put it on again.", "请重新加载。"),
    "serving.not_an_adapter": Text("'{name}' is no adapter.", "'{name}' 不是适配器。"),
    "serving.not_an_adapter.fix": Text("Only adapters can be unloaded.", "只能卸载适配器。"),
    "serving.busy": Text("{count} requests are being answered already.", "已有 {count} 个请求正在处理。"),
    "serving.busy.fix": Text("Try again in a moment.", "请稍后重试。"),
    "serving.timeout": Text(
        "The answer took longer than {seconds} seconds and was ended.", "回答超过 {seconds} 秒，已中止。"
    ),
    "serving.timeout.fix": Text("Ask for fewer tokens.", "请减少生成的词元数。"),
    "serving.client_gone": Text("The client has gone.", "客户端已断开。"),
    "serving.client_gone.fix": Text("Ask again.", "请重新请求。"),
    "serving.closing": Text("The server is about to end.", "服务即将停止。"),
    "serving.closing.fix": Text("Try again later.", "请稍后重试。"),
    "serving.internal": Text(
        "The server failed. Its log tells more, under this answer's x-request-id.",
        "服务内部出错，详情见服务日志（可按本响应的 x-request-id 查找）。",
    ),
    "serving.internal.fix": Text("Try again.", "请重试。"),
    # vLLM
    "serving.engine.vllm": Text(
        "there is a GPU ({device}), and vLLM's environment is there",
        "检测到 GPU（{device}），且 vLLM 环境已就绪",
    ),
    "serving.engine.gpu_no_vllm": Text(
        "there is a GPU ({device}), but no environment of vLLM, which is faster for many requests: --engine vllm "
        "makes it",
        "检测到 GPU（{device}），但没有 vLLM 环境；请求较多时 vLLM 更快，可用 --engine vllm 创建",
    ),
    "serving.cli.vllm_url": Text(
        "Let a vLLM server that runs already compute the answers (engine vllm). It must serve the same model. "
        "Its key: --vllm-key-file, or the environment variable CONCH_VLLM_KEY.",
        "由已在运行的 vLLM 服务计算回答（vllm 引擎），其模型必须与 MODEL 相同。密钥：--vllm-key-file 或环境变量 CONCH_VLLM_KEY。",
    ),
    "serving.cli.vllm_key_file": Text(
        "Read the vLLM server's key from this text file.", "从该文本文件读取 vLLM 服务的密钥。"
    ),
    "serving.cli.vllm_args": Text(
        "Further words for vllm serve, such as '--tensor-parallel-size 2'.",
        "传给 vllm serve 的其他参数，例如 '--tensor-parallel-size 2'。",
    ),
    "serving.cli.install_vllm": Text(
        "Make vLLM's environment (CONCH_HOME/envs/vllm, several GB) without asking, where it is missing.",
        "缺少 vLLM 环境（CONCH_HOME/envs/vllm，数 GB）时直接创建，不再询问。",
    ),
    "serving.no_vllm": Text("vLLM is not installed in {folder}.", "{folder} 中没有安装 vLLM。"),
    "serving.no_vllm.fix": Text(
        "Add --install-vllm, or name a server that runs already with --vllm-url.",
        "请加上 --install-vllm，或用 --vllm-url 指定已在运行的服务。",
    ),
    "serving.vllm_offer": Text(
        "vLLM needs an environment of its own (several GB, once):", "vLLM 需要独立的环境（数 GB，仅需一次）："
    ),
    "serving.vllm_make": Text("Make it now?", "现在创建吗？"),
    "serving.vllm_system": Text("vLLM can't be installed on {system}.", "vLLM 无法安装在 {system} 上。"),
    "serving.vllm_system.fix": Text(
        "Use Linux, or name a server that runs already with --vllm-url.",
        "请使用 Linux，或用 --vllm-url 指定已在运行的服务。",
    ),
    "serving.vllm_python": Text(
        "vLLM needs Python 3.11 or newer, and this is {version}.",
        "vLLM 需要 Python 3.11 或更高版本，当前为 {version}。",
    ),
    "serving.vllm_python.fix": Text(
        "Run conch with a newer Python, or name a server that runs already with --vllm-url.",
        "请用更新的 Python 运行 conch，或用 --vllm-url 指定已在运行的服务。",
    ),
    "serving.vllm_not_made": Text(
        "vLLM's environment was not made: '{command}' ended with status {code}.",
        "未能创建 vLLM 环境：'{command}' 的退出状态为 {code}。",
    ),
    "serving.vllm_not_made.fix": Text(
        "What it printed above tells why. Ask again when that is mended.", "原因见上方输出，修正后请重试。"
    ),
    "serving.vllm_exit": Text("exit status {code}", "退出状态 {code}"),
    "serving.vllm_starting": Text("vLLM is starting: {line}", "vLLM 正在启动：{line}"),
    "serving.vllm_failed": Text(
        "vLLM did not start. It said last:\n{reason}", "vLLM 启动失败，最后的输出为：\n{reason}"
    ),
    "serving.vllm_failed.fix": Text(
        "All that it said: {log}. Give it other settings with --vllm-args, or use --engine transformers.",
        "完整输出：{log}。请用 --vllm-args 调整设置，或使用 --engine transformers。",
    ),
    "serving.vllm_restarting": Text(
        "vLLM has ended and is started anew in {seconds} s. It said last:\n{reason}",
        "vLLM 意外退出，{seconds} 秒后重新启动，最后的输出为：\n{reason}",
    ),
    "serving.vllm_back": Text("vLLM is back.", "vLLM 已恢复。"),
    "serving.vllm_given_up": Text(
        "vLLM has ended {count} times in a row and is not started again. All that it said: {log}",
        "vLLM 已连续退出 {count} 次，不再重新启动。完整输出：{log}",
    ),
    "serving.vllm_ended": Text("vLLM is not there: {reason}.", "vLLM 不可用：{reason}。"),
    "serving.vllm_ended.fix": Text("Try again in a moment.", "请稍后重试。"),
    "serving.vllm_gone": Text(
        "vLLM has ended too often and is not started again.", "vLLM 多次意外退出，不再重新启动。"
    ),
    "serving.vllm_gone.fix": Text(
        "Whoever runs the server finds the reason in its log.", "请服务管理员在日志中查看原因。"
    ),
    "serving.vllm_anew": Text("it has ended, and is started anew", "已意外退出，正在重新启动"),
    "serving.vllm_key": Text("The vLLM server does not take the key.", "vLLM 服务不接受该密钥。"),
    "serving.vllm_key.fix": Text(
        "Give its key by --vllm-key-file or CONCH_VLLM_KEY.",
        "请用 --vllm-key-file 或 CONCH_VLLM_KEY 给出密钥。",
    ),
    "serving.vllm_refused": Text("vLLM refuses the request: {reason}.", "vLLM 拒绝了请求：{reason}。"),
    "serving.vllm_refused.fix": Text("Change what it names.", "请按提示修改。"),
    "serving.vllm_no_grammar": Text(
        "vLLM can't hold the answer to the form that response_format or a tool asks for: {reason}.",
        "vLLM 无法按 response_format 或函数的要求约束输出：{reason}。",
    ),
    "serving.vllm_no_grammar.fix": Text(
        'Simplify the schema, or start vLLM with --structured-outputs-config \'{{"backend": "guidance"}}\'.',
        '请简化 schema，或在启动 vLLM 时加上 --structured-outputs-config \'{{"backend": "guidance"}}\'。',
    ),
    "serving.vllm_no_adapter": Text(
        "vLLM does not take the adapter '{name}': {reason}.", "vLLM 不接受适配器 '{name}'：{reason}。"
    ),
    "serving.vllm_no_adapter.fix": Text(
        "Start the server with it (--adapter), or with --adapter-dir, so that vLLM makes room for adapters.",
        "请在启动时用 --adapter 指定该适配器，或用 --adapter-dir 让 vLLM 预留适配器空间。",
    ),
    "serving.vllm_rank": Text(
        "An adapter has rank {rank}, and vLLM takes at most {most}.",
        "有适配器的秩为 {rank}，而 vLLM 最多支持 {most}。",
    ),
    "serving.vllm_rank.fix": Text(
        "Merge it: conch export RUN --to FOLDER, then serve the folder.",
        "请先合并：conch export RUN --to 文件夹，再部署该文件夹。",
    ),
    "serving.vllm_merge": Text(
        "vLLM can't put the adapters of '{name}' on its base: they are several, or more than plain LoRA.",
        "vLLM 无法在基座模型上加载 '{name}' 的适配器：存在多个适配器，或不是普通 LoRA。",
    ),
    "serving.vllm_merge.fix": Text(
        "Merge first: conch export {name} --to FOLDER, then conch serve FOLDER --engine vllm.",
        "请先合并：conch export {name} --to 文件夹，再运行 conch serve 文件夹 --engine vllm。",
    ),
    "serving.vllm_other_model": Text(
        "The vLLM server has no model '{name}', but: {known}.", "vLLM 服务没有模型 '{name}'，现有：{known}。"
    ),
    "serving.vllm_other_model.fix": Text("Name the server that has it.", "请指定提供该模型的服务。"),
    "serving.vllm_odd": Text("What answers at {url} is no vLLM server.", "{url} 返回的内容不像 vLLM 服务。"),
    "serving.vllm_odd.fix": Text(
        "Give vLLM's own address, such as http://127.0.0.1:8000. Servers of other kinds can stand behind a "
        "gateway (--upstream).",
        "请给出 vLLM 服务本身的地址，如 http://127.0.0.1:8000；其他类型的服务可以放在网关之后（--upstream）。",
    ),
    "serving.vllm_other_tokens": Text(
        "The vLLM server at {url} reads text as other tokens: it serves another model.",
        "{url} 的 vLLM 服务把文本切分为不同的词元：它部署的是另一个模型。",
    ),
    "serving.vllm_other_tokens.fix": Text(
        "Serve the same model there, or name the model that it serves.",
        "请在该服务上部署相同的模型，或把 MODEL 改为它所部署的模型。",
    ),
    # a gateway
    "serving.cli.upstream": Text(
        "Be a gateway: hand requests on to the server at this address, and to the others that are given so. "
        "MODEL is left out.",
        "作为网关：把请求转发给该地址的服务，可多次给出；此时不写 MODEL。",
    ),
    "serving.cli.upstream_key_file": Text(
        "Read the key of the upstream servers from this text file; else it is taken from the environment "
        "variable CONCH_UPSTREAM_KEY. Clients never see it.",
        "从该文本文件读取上游服务的密钥，否则取环境变量 CONCH_UPSTREAM_KEY；客户端看不到它。",
    ),
    "serving.nothing_to_serve": Text("There is nothing to serve.", "没有指定要部署的内容。"),
    "serving.nothing_to_serve.fix": Text(
        "Name a model or a config file, or servers to stand before with --upstream.",
        "请指定模型或配置文件，或用 --upstream 指定上游服务。",
    ),
    "serving.expect.model_or_upstream": Text("a model, or upstream", "应为模型，或改用 upstream"),
    "serving.expect.no_upstream": Text(
        "left out beside upstream: it is set at the servers behind the gateway",
        "与 upstream 同时使用时应省略，请在网关后面的服务上设置",
    ),
    "serving.expect.with_other": Text("left out without {other}", "没有 {other} 时应省略"),
    "serving.expect.vllm_engine": Text(
        "left out beside another engine than vllm", "未使用 vllm 引擎时应省略"
    ),
    "serving.expect.no_url": Text(
        "left out beside vllm_url: that server has been started already",
        "与 vllm_url 同时使用时应省略，该服务已经启动",
    ),
    "serving.expect.words": Text(
        "words as in a shell, with every quote closed", "应为 shell 写法的参数，引号须成对"
    ),
    "serving.expect.vllm": Text(
        "vllm beside vllm_url, or left out", "与 vllm_url 同时使用时应为 vllm 或省略"
    ),
    "serving.expect.address": Text(
        "an address such as http://host:8000, each once, without user and key",
        "应为 http://主机:8000 这样的地址，不重复，不含用户名和密钥",
    ),
    "serving.upstream_up": Text("{url} is up: {models}", "{url} 可用：{models}"),
    "serving.upstream_down": Text("{url} is down: {reason}", "{url} 不可用：{reason}"),
    "serving.no_models_yet": Text("no models yet", "暂无"),
    "serving.gateway_waits": Text(
        "No upstream answers yet; requests are refused until one does.",
        "尚无可用的上游服务，在此之前请求会被拒绝。",
    ),
    "serving.no_upstream": Text(
        "None of the servers that have '{name}' answers.", "提供 '{name}' 的服务目前均不可用。"
    ),
    "serving.no_upstreams": Text(
        "None of the servers behind this gateway answers.", "网关后面的服务目前均不可用。"
    ),
    "serving.no_upstreams.fix": Text("Try again in a moment.", "请稍后重试。"),
    "serving.no_upstream.fix": Text("Try again in a moment.", "请稍后重试。"),
    "serving.upstream_lost": Text(
        "The server that was answering has gone in the middle of the answer.", "正在回答的服务中途断开。"
    ),
    "serving.upstream_lost.fix": Text("Ask again.", "请重新请求。"),
    "serving.upstream_odd": Text(
        "The server behind the gateway refuses the gateway's own key.", "网关后面的服务不接受网关的密钥。"
    ),
    "serving.upstream_odd.fix": Text(
        "Whoever runs the gateway gives it the right one by --upstream-key-file or CONCH_UPSTREAM_KEY.",
        "请网关管理员用 --upstream-key-file 或 CONCH_UPSTREAM_KEY 给出正确的密钥。",
    ),
    "serving.host_only": Text(
        "Adapters are put on and taken off at the servers behind this gateway.",
        "请在网关后面的服务上加载和卸载适配器。",
    ),
    "serving.host_only.fix": Text("Send this to each of them.", "请分别向这些服务发送该请求。"),
    # the docs page
    "serving.docs.title": Text("Conch: HTTP API", "Conch：HTTP 接口"),
    "serving.docs.about": Text(
        "Generate text with the models that this server holds. The /v1 routes work with OpenAI's clients.",
        "使用本服务加载的模型生成文本。/v1 下的接口可直接配合 OpenAI 客户端使用。",
    ),
    "serving.docs.failure": Text("The request was refused.", "请求被拒绝。"),
    "serving.docs.key": Text("Requests from this page carry your key.", "本页发出的请求会带上您的密钥。"),
    "serving.docs.field": Text("Field", "字段"),
    "serving.docs.type": Text("Type", "类型"),
    "serving.docs.default": Text("Default", "默认值"),
    "serving.docs.meaning": Text("Meaning", "含义"),
    "serving.docs.required": Text("required", "必填"),
    "serving.docs.example": Text("Request (edit it)", "请求（可编辑）"),
    "serving.docs.send": Text("Send", "发送"),
    "serving.docs.sending": Text("Waiting …", "等待中 …"),
    "serving.docs.copy": Text("Copy", "复制"),
    "serving.docs.copied": Text("Copied", "已复制"),
    "serving.docs.answer": Text("Answer", "响应"),
    "serving.docs.failed": Text("Failed", "失败"),
    "serving.docs.greeting": Text("Hello! Who are you?", "你好！你是谁？"),
    "serving.docs.beginning": Text("Once upon a time", "很久很久以前"),
    # the first page
    "serving.home.title": Text("This server answers", "模型服务已启动"),
    "serving.home.about": Text(
        "It speaks OpenAI's API: point any client of it here.", "兼容 OpenAI 接口，任何此类客户端均可接入。"
    ),
    "serving.home.models": Text("Models", "模型"),
    "serving.home.name": Text("Name", "名称"),
    "serving.home.adapter_of": Text("Adapter of", "适配器，基座"),
    "serving.home.context": Text("Tokens", "上下文词元数"),
    "serving.home.model": Text("Model", "模型"),
    "serving.home.try": Text("Try it", "试一试"),
    "serving.home.ask": Text("Ask something …", "输入问题 …"),
    "serving.home.greeting": Text("Hello! Who are you?", "你好！你是谁？"),
    "serving.home.send": Text("Send", "发送"),
    "serving.home.stop": Text("Stop", "停止"),
    "serving.home.thought": Text("Thought", "思考"),
    "serving.home.calls": Text("Call it", "调用示例"),
    "serving.home.copy": Text("Copy", "复制"),
    "serving.home.copied": Text("Copied", "已复制"),
    "serving.home.failed": Text("Failed", "失败"),
    "serving.home.loading": Text("Loading …", "加载中 …"),
    "serving.home.docs": Text("Every route and field", "全部接口与字段"),
    "serving.home.key": Text("Calls from here carry your key.", "以下调用会带上您的密钥。"),
    # routes
    "serving.route.generate": Text("Answer a prompt", "回答一个提示"),
    "serving.route.generate_get": Text(
        "The prompt is what a user says to the model. It never counts against max_new_tokens.",
        "提示作为用户发言交给模型，其长度不计入 max_new_tokens。",
    ),
    "serving.route.generate_post": Text(
        "As GET /generate, for prompts that are too long or too private for an address.",
        "同 GET /generate，适合过长或不宜写在地址中的提示。",
    ),
    "serving.route.chat": Text("Answer a conversation", "回答一段对话"),
    "serving.route.chat.more": Text(
        "OpenAI's chat completions. With stream, pieces come as server-sent events.",
        "兼容 OpenAI 的对话接口。启用 stream 后以服务器推送事件逐段返回。",
    ),
    "serving.route.completions": Text("Go on from a text", "续写文本"),
    "serving.route.completions.more": Text(
        "OpenAI's plain completions: the text as it stands, without a chat template.",
        "兼容 OpenAI 的文本补全接口：直接续写原文，不套用对话模板。",
    ),
    "serving.route.models": Text("List the models", "列出模型"),
    "serving.route.models.more": Text(
        "The base and every adapter. Use the id as model in requests.",
        "基座模型和全部适配器。请求中的 model 填写其 id。",
    ),
    "serving.route.model": Text("Show one model", "查看一个模型"),
    "serving.route.model.more": Text(
        "An adapter names its base as parent.", "适配器的 parent 为其基座模型。"
    ),
    "serving.route.tokenize": Text("Show the tokens of a text", "查看文本的词元"),
    "serving.route.tokenize.more": Text(
        "Of raw text, or of messages as the model is shown them.",
        "可用于原始文本，或按对话模板渲染后的消息。",
    ),
    "serving.route.detokenize": Text("Show the text of tokens", "查看词元对应的文本"),
    "serving.route.detokenize.more": Text("Special tokens are shown.", "包含特殊词元。"),
    "serving.route.load_lora_adapter": Text("Put an adapter on", "加载适配器"),
    "serving.route.load_lora_adapter.more": Text(
        "Needs a key with the scope admin. It shares the base's memory, and is proved to change its answers.",
        "需要 admin 权限的密钥。适配器与基座模型共用内存，加载时会验证其确实生效。",
    ),
    "serving.route.unload_lora_adapter": Text("Take an adapter off", "卸载适配器"),
    "serving.route.unload_lora_adapter.more": Text(
        "Needs a key with the scope admin. Answers that it is giving are finished first.",
        "需要 admin 权限的密钥。正在生成的回答会先完成。",
    ),
    "serving.route.metrics": Text("Counts for Prometheus", "Prometheus 指标"),
    "serving.route.metrics.more": Text(
        "Requests, tokens, the queue and times, by model. Needs a key with the scope metrics.",
        "按模型统计请求、词元、队列与耗时。需要 metrics 权限的密钥。",
    ),
    "serving.route.health": Text("Is all well?", "服务是否正常"),
    "serving.route.health.more": Text("Needs no key.", "无需密钥。"),
    "serving.route.live": Text("Does the process answer?", "进程是否存活"),
    "serving.route.live.more": Text("For a supervisor. Needs no key.", "供进程管理程序使用，无需密钥。"),
    "serving.route.ready": Text("May requests be sent?", "是否可以接收请求"),
    "serving.route.ready.more": Text(
        "For a load balancer: 503 while the server ends. Needs no key.",
        "供负载均衡使用：服务停止过程中返回 503，无需密钥。",
    ),
    # fields
    "serving.field.prompt": Text("What to answer or go on from.", "要回答或续写的内容。"),
    "serving.field.messages": Text(
        "The conversation so far, oldest turn first.", "到目前为止的对话，按时间先后排列。"
    ),
    "serving.field.role": Text("Who speaks.", "发言者。"),
    "serving.field.content": Text(
        "What is said: text, or a list of text parts.", "发言内容：文本，或文本片段列表。"
    ),
    "serving.field.model": Text("Which model answers, by its id.", "由哪个模型回答，填写模型 id。"),
    "serving.field.name": Text("A model's id.", "模型 id。"),
    "serving.field.max_new_tokens": Text(
        "Most tokens of the answer; the prompt doesn't count.", "回答的最大词元数，不含提示。"
    ),
    "serving.field.max_tokens": Text(
        "Most tokens of the answer; the prompt doesn't count.", "回答的最大词元数，不含提示。"
    ),
    "serving.field.max_completion_tokens": Text(
        "OpenAI's newer name for max_tokens.", "OpenAI 对 max_tokens 的新名称。"
    ),
    "serving.field.temperature": Text(
        "0 always takes the likeliest token; higher values vary more.",
        "0 表示总取概率最大的词元；数值越大越多变。",
    ),
    "serving.field.top_p": Text(
        "Draw only from the likeliest tokens that together have this probability.",
        "只从累计概率达到该值的最可能词元中采样。",
    ),
    "serving.field.top_k": Text(
        "Draw only from this many of the likeliest tokens; 0 means all.",
        "只从概率最大的若干词元中采样；0 表示全部。",
    ),
    "serving.field.repetition_penalty": Text(
        "Above 1, tokens that were there before become less likely.", "大于 1 时降低已出现词元的概率。"
    ),
    "serving.field.seed": Text("The same seed draws the same answer.", "相同的种子得到相同的回答。"),
    "serving.field.stop": Text(
        "Up to 4 texts that end the answer. They are not part of it.",
        "最多 4 个停止文本，遇到即结束，且不包含在回答中。",
    ),
    "serving.field.n": Text("How many answers to give.", "返回几个回答。"),
    "serving.field.stream": Text("Send the answer as it is made.", "边生成边返回。"),
    "serving.field.stream_options": Text(
        "With include_usage, a stream ends with the token counts.",
        "启用 include_usage 时，流的末尾附带词元用量。",
    ),
    "serving.field.include_usage": Text("End the stream with the token counts.", "在流的末尾附带词元用量。"),
    "serving.field.min_p": Text(
        "Leave tokens out that are less likely than this part of the likeliest.",
        "排除概率低于最可能词元该比例的词元。",
    ),
    "serving.field.presence_penalty": Text(
        "Above 0, tokens that the text holds already become less likely.",
        "大于 0 时降低文中已出现词元的概率。",
    ),
    "serving.field.frequency_penalty": Text(
        "The same, by how often they are there.", "同上，按出现次数计算。"
    ),
    "serving.field.logit_bias": Text(
        "Token numbers, each with what is added to its logit: -100 forbids it, 100 forces it.",
        "词元编号及其 logit 增量：-100 禁止，100 强制。",
    ),
    "serving.field.logprobs": Text("Tell how likely each token was.", "返回每个词元的对数概率。"),
    "serving.field.top_logprobs": Text(
        "How many alternatives to tell with each token.", "每个词元返回多少个备选词元。"
    ),
    "serving.field.echo": Text("Give the prompt before the answer.", "在回答前附上提示。"),
    "serving.field.tools": Text("Functions that the model may call.", "模型可以调用的函数。"),
    "serving.field.tool_choice": Text(
        "none, auto, required, or the one function that must be called.",
        "none、auto、required，或必须调用的函数。",
    ),
    "serving.field.parallel_tool_calls": Text(
        "Whether there may be more than one call.", "是否允许多个调用。"
    ),
    "serving.field.response_format": Text(
        "Hold the answer to JSON: any object, or what a schema describes.",
        "约束输出为 JSON 对象，或符合给定的 JSON Schema。",
    ),
    "serving.field.enable_thinking": Text(
        "Whether the model thinks before it answers; unset, as its template has it.",
        "回答前是否思考；不填则按模型模板的默认行为。",
    ),
    "serving.field.chat_template_kwargs": Text(
        "vLLM's place for enable_thinking.", "vLLM 风格的 enable_thinking 写法。"
    ),
    "serving.field.reasoning_effort": Text("Only none: the model does not think.", "仅支持 none：不思考。"),
    "serving.field.reasoning_content": Text("What an earlier answer thought.", "此前回答的思考内容。"),
    "serving.field.continue_final_message": Text(
        "Whether a last message of the assistant is the beginning of the answer.",
        "末尾的 assistant 消息是否作为回答的开头继续生成。",
    ),
    "serving.field.safety_identifier": Text("Accepted, not used.", "可填写，但不使用。"),
    "serving.field.prompt_cache_key": Text("Accepted, not used.", "可填写，但不使用。"),
    "serving.field.tool_calls": Text("Calls that an earlier answer made.", "此前回答发起的调用。"),
    "serving.field.tool_call_id": Text("Which call this is the result of.", "对应的调用编号。"),
    "serving.field.tokens": Text("Token numbers.", "词元编号。"),
    "serving.field.add_generation_prompt": Text(
        "Whether the tokens end with the beginning of an answer.", "词元末尾是否带上回答的开头。"
    ),
    "serving.field.add_special_tokens": Text(
        "Whether raw text begins with the beginning-of-text token, where the model has one.",
        "原始文本是否带上文本起始词元（如有）。",
    ),
    "serving.field.return_token_strs": Text("Tell each token's text, too.", "同时返回每个词元的文本。"),
    "serving.field.lora_name": Text("What the adapter is called in the API.", "适配器在接口中的名称。"),
    "serving.field.lora_path": Text(
        "A run of this machine, or a folder in the one given with --adapter-dir. Never a path.",
        "本机的训练编号，或 --adapter-dir 文件夹中的子文件夹名，不接受路径。",
    ),
    "serving.field.user": Text("Accepted, not used.", "可填写，但不使用。"),
}
