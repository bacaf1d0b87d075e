"""The synthetic web as a child process, for the long runs that crawl it."""

import json
import subprocess


class SyntheticWeb:
    """`orb simweb` on free ports; gives what it serves, as its `--json` tells, and ends with the block it is used in."""

    def __init__(self, orb, folder, arguments):
        command = [orb, "simweb", "--json", "--until-stdin-ends", "--http-port", "0", "--https-port", "0"]
        command += ["--dns", "127.0.0.1:0", "--out", str(folder), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.served = json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self.served

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
