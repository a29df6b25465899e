"""What is said about keys of the HTTP API."""

from conch.core.text.entry import Text

TEXTS = {
    "access.bad_name": Text("'{name}' can't be the name of a key.", "'{name}' 不能用作密钥名称。"),
    "access.bad_name.fix": Text(
        "Use up to 64 letters, digits, dots, dashes and underscores.",
        "请使用不超过 64 个字母、数字、点、连字符或下划线。",
    ),
    "access.bad_scope": Text("There is no scope '{scope}'.", "没有权限 '{scope}'。"),
    "access.bad_scope.fix": Text("Use one or more of: {known}.", "可用的权限：{known}。"),
    "access.name_taken": Text("There is a key '{name}' already.", "已有名为 '{name}' 的密钥。"),
    "access.name_taken.fix": Text(
        "Choose another name, or revoke it first: conch keys revoke {name}",
        "请换一个名称，或先吊销：conch keys revoke {name}",
    ),
    "access.unknown": Text("There is no key '{name}'.", "没有名为 '{name}' 的密钥。"),
    "access.unknown.fix": Text("The keys are: {known}.", "现有密钥：{known}。"),
    # the command
    "access.help": Text(
        "Make and revoke keys of the HTTP API. A server takes them at once, without a restart.",
        "创建和吊销 HTTP 接口的密钥，对运行中的服务立即生效。",
    ),
    "access.create": Text("Make a key. It is shown once.", "创建密钥，仅显示一次。"),
    "access.list": Text(
        "List the keys: names and scopes, never the keys.", "列出密钥的名称和权限（不含密钥本身）。"
    ),
    "access.revoke": Text("Make a key worthless.", "吊销密钥。"),
    "access.scope": Text(
        "What the key may do: infer (ask for answers), metrics (read the counts), admin (everything). "
        "May be given several times.",
        "密钥的权限：infer（请求回答）、metrics（读取指标）、admin（全部）。可多次给出。",
    ),
    "access.made": Text("Key {name} ({scopes}), shown once:", "密钥 {name}（{scopes}），仅显示一次："),
    "access.revoked": Text("Key {name} is worthless now.", "密钥 {name} 已吊销。"),
    "access.none": Text("There are no keys.", "没有密钥。"),
    "access.column.name": Text("name", "名称"),
    "access.column.scopes": Text("scopes", "权限"),
    "access.column.created": Text("made", "创建时间"),
}
