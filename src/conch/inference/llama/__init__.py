"""llama.cpp (xllamacpp) in a process of its own: `process.py` is our side of it, `child.py` the other.

In one process with Python its server can't be ended safely: dropped before its own thread has
begun, it waits for that thread for ever, and Python with it, whose lock it holds. A process can
always be ended. One that crashes takes no answers of others with it, and tells by its end.
"""
