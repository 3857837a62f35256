#!/usr/bin/env python3
"""The engine's cost per input, by unfinished runs and steps of each. See README.md."""
import argparse
import os
import subprocess


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    program = os.path.join(parser.parse_args().build, "bin", "engine_cost")
    print(f"load average {os.getloadavg()[0]:.2f}")
    peer = None
    for runs in (1, 20, 100):
        for steps in (40, 500):
            done = subprocess.run([program, str(runs), str(steps)], check=True, capture_output=True, text=True)
            cost_us = float(done.stdout)
            peer = peer or cost_us
            print(f"{runs:4} runs of {steps:3} steps: {cost_us:8.1f} us an input, {cost_us / peer:6.1f} x one run of 40")


if __name__ == "__main__":
    main()
