#!/usr/bin/python3
"""What a look at the processes costs a host, in system calls: these do not depend on the machine, and each call that is
added for every process shows here at once.

strace counts them in a namespace with so many processes, all of which are as they were at the look before.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from harness import HELPER, descendants  # noqa: E402

LOOKS = 10
SPEC = """spec
exe /usr/sbin/sshd
process 0
exe /no/such/eddy
process 1
contain -D
end
"""


class Helper:
    """Runs in a namespace of its own, beside `processes` others, which sleep."""

    def __init__(self, script, processes):
        start = f'exec 3<&0 4>&1; i=0; while [ $i -lt {processes} ]; do sleep 1000 3<&- 4>&- & i=$((i + 1)); done; "$@" <&3 >&4'
        words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", start, "sh", "dash", str(script)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write(SPEC.encode())
        self.looks = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def look(self):
        self.looks += 1
        nonce = f"nonce{self.looks}"
        self.process.stdin.write(f"go {nonce} 5000\n".encode())
        self.process.stdin.flush()
        lines = []
        while not lines or lines[-1] != f"{nonce} end":
            line = self.process.stdout.readline().decode()
            if not line:
                raise AssertionError(f"the helper ended after {self.looks} looks")
            lines.append(line.rstrip("\n"))
        return lines

    def pids(self):
        """The helper and its children, whose names say so."""
        found = []
        for pid in descendants(self.process.pid):
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it has ended
            if name.startswith("mailhub:"):
                found.append(str(pid))
        return found


def calls_of_a_look(script, processes):
    """The number of calls of a look by their names."""
    with Helper(script, processes) as helper, tempfile.NamedTemporaryFile("r") as counts:
        for _ in range(3):
            helper.look()
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", counts.name, *(word for pid in helper.pids() for word in ("-p", pid))],
            stderr=subprocess.PIPE, text=True)
        for _ in helper.pids():
            tracer.stderr.readline()  # it is attached
        for _ in range(LOOKS):
            helper.look()
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
        rows = [line.split() for line in counts.read().splitlines()]
        return {row[1]: int(row[0]) / LOOKS for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total"}


class SystemCalls(unittest.TestCase):
    def check(self, script, forks, others):
        few, many = calls_of_a_look(script, 20), calls_of_a_look(script, 220)
        self.assertGreater(few["newfstatat"], 20, "strace has seen no look")
        self.assertLessEqual(sum(few.get(name, 0) for name in ("clone", "clone3", "fork", "vfork")), forks, few)
        # A look at its file, in both. perl says before that at which process its child looks; the shells look whether the file is
        # the one of that name. Some texts are read byte by byte, and their lengths vary a little.
        each = (sum(many.values()) - sum(few.values())) / 200
        self.assertLess(each, 2.2, f"{few}\n{many}")
        few.pop("read")  # the size of some texts is the machine's
        self.assertLess(sum(few.values()) - 20 * each, others, few)

    def test_perl(self):
        self.check(HELPER, 0, 80)

    def test_shell(self):
        # date, and one command that tells why there is no such exe
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write(pathlib.Path(HELPER).read_text(encoding="utf-8").replace("perl -M5.014", "false"))
            script.flush()
            self.check(script.name, 2, 350)


if __name__ == "__main__":
    unittest.main()
