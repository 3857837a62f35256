#!/usr/bin/python3
"""promtool checks the exporter's pages for each host of the lab. Needs the lab to be up."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from labkit import layout, stack  # noqa: E402

BUILD = os.environ.get("MAILHUB_BUILD", "build/dev")


class Pages(unittest.TestCase):
    maxDiff = None

    def test_promtool_accepts_each_page(self):
        stack.stop_left_running()
        exporter = stack.Stack(BUILD, fresh=False)
        self.addCleanup(exporter.down)
        exporter.configure()
        exporter.start("exporter")
        exporter.await_ready("exporter")
        for path in (*(f"/probe?target={host}" for host in layout.HOSTS), "/metrics"):
            page = stack.get(stack.EXPORTER + path)
            if path != "/metrics":
                self.assertIn("\nprobe_success 1\n", page, path)
            done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=20,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), f"{path}\n{page}")


if __name__ == "__main__":
    unittest.main()
