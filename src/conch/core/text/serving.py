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
    "serving.ready": Text("Serving {models} at {url}", "已启动：{url}，模型：{models}"),
    "serving.open": Text(
        "Open to the network: other machines reach it at {url}. Every request needs the key: {key}.",
        "已对网络开放：其他机器可通过 {url} 访问。每个请求都需要密钥：{key}。",
    ),
    "serving.key_is.made": Text("the one below", "见下一行"),
    "serving.key_is.environment": Text("the one in CONCH_API_KEY", "环境变量 CONCH_API_KEY 中的密钥"),
    "serving.key_is.file": Text("the one in the file of --api-key-file", "--api-key-file 文件中的密钥"),
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
    "serving.engine_later": Text("The engine {name} is not built yet.", "推理引擎 {name} 尚未实现。"),
    "serving.engine_later.fix": Text(
        "Use --engine transformers, or leave the option out.", "请使用 --engine transformers，或去掉该选项。"
    ),
    "serving.key_needed": Text(
        "A server on {host} can be reached from outside, and has no key.",
        "{host} 可从外部访问，但没有设置密钥。",
    ),
    "serving.key_needed.fix": Text("Set api_key.", "请设置 api_key。"),
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
    "serving.cli.max_new_tokens": Text(
        "The most tokens of an answer where the request names no bound.",
        "请求未指定上限时，回答最多生成多少个词元。",
    ),
    "serving.cli.max_concurrent_requests": Text(
        "The most requests in hand; more are sent away with status 429.",
        "同时受理的最大请求数，超出的请求返回状态码 429。",
    ),
    "serving.cli.max_parallel_answers": Text(
        "The most answers made at once, over all requests; others wait. Each takes memory for its context.",
        "所有请求合计同时生成的最大回答数，其余排队等待；每个回答都要为上下文占用内存。",
    ),
    "serving.cli.request_seconds": Text(
        "The longest that a request may take, waiting included.", "单个请求的最长时间（秒），包括等待。"
    ),
    "serving.cli.engine": Text("What computes the answers.", "推理引擎。"),
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
        "Use the key that the server was started with.", "请使用启动服务时的密钥。"
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
    "serving.field.user": Text("Accepted, not used.", "可填写，但不使用。"),
}
