"""What is said about experiment trackers."""

from conch.core.text.entry import Text

TEXTS = {
    "trackers.missing": Text(
        "Nothing is sent to {name}: its library is not installed. Install it: pip install 'conch[trackers]'",
        "未上报到 {name}：缺少相应的库。安装：pip install 'conch[trackers]'",
    ),
    "trackers.failed": Text(
        "Nothing more is sent to {name}: {reason}. The whole story is in {log}.",
        "不再上报到 {name}：{reason}。详情见 {log}。",
    ),
}
