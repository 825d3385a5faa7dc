import subprocess
import sys

_RACE = """
import sys, threading
from types import ModuleType

import msgspec
from soundstrip_service.structs import prepare_structs

sys.setswitchinterval(1e-6)
module = sys.modules["module"] = ModuleType("module")
module.Struct = msgspec.Struct
for n in range(200):
    fields = "\\n".join(f"    f{k}: 'list[B{n}] | None' = None" for k in range(12))
    exec(f"class B{n}(Struct):\\n    a: 'str'\\nclass A{n}(Struct):\\n{fields}", module.__dict__)
prepare_structs()
for n in range(200):
    gate = threading.Barrier(8)

    def decode():
        gate.wait()
        kind = getattr(module, f"A{n}")
        msgspec.json.decode(b'{"f11": [{"a": "x"}], "f0": [{"a": "y"}]}', type=kind)

    threads = [threading.Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
"""In a process of its own: what it is about ends one."""


def test_threads_that_decode_a_struct_for_the_first_time_at_once_all_can():
    done = subprocess.run([sys.executable, "-c", _RACE], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
