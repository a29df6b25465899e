"""What the doctor says of a machine."""

from conch.core.text.entry import Text

TEXTS = {
    "doctor.graded_ok": Text("ok  ", "正常"),
    "doctor.graded_note": Text("note", "提示"),
    "doctor.graded_fix": Text("fix ", "需修"),
    "doctor.healthy": Text("Nothing needs to be fixed.", "没有需要修复的问题。"),
    "doctor.to_fix": Text("To be fixed: {count}.", "需要修复：{count} 项。"),
    # python and packages
    "doctor.python": Text("Python {version}: {place}", "Python {version}，位于 {place}"),
    "doctor.packages": Text("Packages: {listed}", "依赖包：{listed}"),
    "doctor.packages_unknown": Text(
        "Conch is not installed but runs from its sources: which packages it needs is not known here.",
        "Conch 未安装，而是直接从源代码运行：此处无法得知它需要哪些依赖包。",
    ),
    "doctor.packages_unknown.fix": Text(
        "pip install -e .   (in the folder of the sources)", "pip install -e .   （在源代码文件夹中执行）"
    ),
    "doctor.package_missing": Text("The package {name} is missing.", "缺少依赖包 {name}。"),
    "doctor.package_missing.fix": Text("pip install '{wanted}'", "pip install '{wanted}'"),
    "doctor.package_version": Text(
        "{name} {version} is installed, Conch goes with {wanted}.",
        "已安装 {name} {version}，而 Conch 需要 {wanted}。",
    ),
    "doctor.package_version.fix": Text("pip install '{wanted}'", "pip install '{wanted}'"),
    "doctor.torch_cpu": Text(
        "torch {version} computes on the CPU (threads: {threads}).",
        "torch {version} 使用 CPU 计算（{threads} 个线程）。",
    ),
    "doctor.torch_cuda": Text(
        "torch {version} (CUDA {built_for}) computes on: {names}.",
        "torch {version}（CUDA {built_for}）使用：{names}。",
    ),
    "doctor.torch_mps": Text(
        "torch {version} computes on the GPU of this Mac.", "torch {version} 使用本机 Mac 的 GPU 计算。"
    ),
    "doctor.torch_broken": Text("torch can't be imported: {error}", "无法导入 torch：{error}"),
    "doctor.torch_broken.fix": Text(
        "pip install --force-reinstall torch", "pip install --force-reinstall torch"
    ),
    "doctor.torch_no_cuda": Text(
        "There is a GPU, but torch {version} can't use it.", "本机有 GPU，但 torch {version} 无法使用。"
    ),
    "doctor.torch_no_cuda.fix": Text(
        "pip install --force-reinstall torch   (the build for CUDA: see https://pytorch.org/get-started)",
        "pip install --force-reinstall torch   （请选择 CUDA 版本：见 https://pytorch.org/get-started）",
    ),
    # processor, memory, cards
    "doctor.cpu": Text(
        "{name}, {cores} cores; has {has}; lacks {lacks}", "{name}，{cores} 核；支持 {has}；不支持 {lacks}"
    ),
    "doctor.cpu_bound": Text(
        "{name}, {cores} of {machine} cores may be used here; has {has}; lacks {lacks}",
        "{name}，此处可用 {machine} 核中的 {cores} 核；支持 {has}；不支持 {lacks}",
    ),
    "doctor.cpu_slow": Text(
        "This CPU has no wide vector instructions (AVX2): training on it is very slow.",
        "该 CPU 没有宽向量指令（AVX2），在其上训练会非常慢。",
    ),
    "doctor.memory": Text("Memory: {total} GB, {free} GB free", "内存：{total} GB，可用 {free} GB"),
    "doctor.memory_bound": Text(
        "Memory: {total} GB here of the machine's {machine} GB, {free} GB free",
        "内存：本机 {machine} GB，此处可用上限 {total} GB，空闲 {free} GB",
    ),
    "doctor.memory_little": Text(
        "Memory: {total} GB, {free} GB free. Only the smallest models fit.",
        "内存：{total} GB，可用 {free} GB，只能使用最小的模型。",
    ),
    "doctor.memory_little.fix": Text("conch models list", "conch models list"),
    "doctor.gpu": Text("GPU: {name}, {memory}, driver {driver}", "GPU：{name}，{memory}，驱动 {driver}"),
    "doctor.gpu_none": Text("No NVIDIA GPU: Conch uses the CPU.", "没有 NVIDIA GPU：Conch 使用 CPU。"),
    "doctor.gpu_no_smi": Text(
        "There is an NVIDIA GPU, but nvidia-smi is missing.", "本机有 NVIDIA GPU，但缺少 nvidia-smi。"
    ),
    "doctor.gpu_no_smi.fix": Text(
        "sudo apt install nvidia-utils-550   (in a container: start it with --gpus all)",
        "sudo apt install nvidia-utils-550   （容器内：以 --gpus all 启动）",
    ),
    "doctor.gpu_no_driver": Text(
        "nvidia-smi finds no working driver: {said}", "nvidia-smi 找不到可用的驱动：{said}"
    ),
    "doctor.gpu_no_driver.fix": Text(
        "sudo modprobe nvidia   (after an update of the driver or the kernel: sudo reboot)",
        "sudo modprobe nvidia   （驱动或内核更新之后：sudo reboot）",
    ),
    # the home
    "doctor.home": Text(
        "CONCH_HOME {home}: {free} GB free ({kind}), can be written",
        "CONCH_HOME {home}：剩余 {free} GB（{kind}），可写",
    ),
    "doctor.home_unwritable": Text(
        "CONCH_HOME {home} can't be written: {reason}", "CONCH_HOME {home} 无法写入：{reason}"
    ),
    "doctor.home_unwritable.fix": Text(
        "export CONCH_HOME=/a/folder/of/yours   (or: sudo chown -R $USER {home})",
        "export CONCH_HOME=/您可写入的文件夹   （或：sudo chown -R $USER {home}）",
    ),
    "doctor.home_full": Text(
        "CONCH_HOME {home}: only {free} GB free, too little for a model and its checkpoints.",
        "CONCH_HOME {home}：仅剩 {free} GB，不足以存放模型和检查点。",
    ),
    "doctor.home_full.fix": Text("conch runs empty-trash", "conch runs empty-trash"),
    "doctor.home_full_move": Text(
        "CONCH_HOME {home}: only {free} GB free, and another disk has more.",
        "CONCH_HOME {home}：仅剩 {free} GB，另一块磁盘空间更多。",
    ),
    "doctor.home_full_move.fix": Text("conch models move {better}", "conch models move {better}"),
    "doctor.home_remote": Text(
        "CONCH_HOME lies on a network disk ({kind}). Runs and the queue rely neither on locks nor on a "
        "database's WAL there. Fetching and converting models and registering datasets do take file locks: do "
        "each from one machine at a time. Slower: starting runs, writing checkpoints, loading models, long "
        "lists of runs. A worker on another machine is known by its heartbeat only.",
        "CONCH_HOME 位于网络磁盘（{kind}）。训练和队列在其上既不依赖文件锁，也不依赖数据库的 WAL；下载和转换模型、"
        "登记数据集会使用文件锁，请勿在多台机器上同时进行。较慢的操作：启动训练、写检查点、加载模型、列出大量训练。"
        "另一台机器上的工作进程只能通过心跳判断是否存活。",
    ),
    "doctor.home_overlay": Text(
        "CONCH_HOME lies in the container's own layer (overlay): what is there goes when the container is "
        "removed.",
        "CONCH_HOME 位于容器自身的文件层（overlay）：容器删除后其中的内容会丢失。",
    ),
    "doctor.home_overlay.fix": Text(
        "export CONCH_HOME=/a/mounted/disk   (docker run -v /some/folder:/a/mounted/disk)",
        "export CONCH_HOME=/已挂载的磁盘   （docker run -v /某文件夹:/已挂载的磁盘）",
    ),
    "doctor.home_memory": Text(
        "CONCH_HOME lies in memory ({kind}): what is there is gone after a restart, and takes memory from "
        "training.",
        "CONCH_HOME 位于内存中（{kind}）：重启后内容会丢失，并占用训练所需的内存。",
    ),
    "doctor.home_memory.fix": Text(
        "export CONCH_HOME=/a/folder/on/a/disk", "export CONCH_HOME=/磁盘上的文件夹"
    ),
    # the network
    "doctor.hub": Text("{url} answers in {seconds} s", "{url} 响应时间 {seconds} 秒"),
    "doctor.hub_silent": Text("{url} does not answer within {within} s.", "{url} 在 {within} 秒内没有响应。"),
    "doctor.no_hub": Text("None of the hubs answers: {urls}", "所有模型站都没有响应：{urls}"),
    "doctor.no_hub.fix": Text(
        "export HTTPS_PROXY=http://HOST:PORT   (or HF_ENDPOINT=https://a.mirror.you.can.reach)",
        "export HTTPS_PROXY=http://主机:端口   （或 HF_ENDPOINT=https://可访问的镜像）",
    ),
    "doctor.network_forbidden": Text(
        "The network is not asked: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids it.",
        "未检查网络：HF_HUB_OFFLINE 或 TRANSFORMERS_OFFLINE 禁止联网。",
    ),
    "doctor.network_forbidden.fix": Text(
        "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE", "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE"
    ),
}
