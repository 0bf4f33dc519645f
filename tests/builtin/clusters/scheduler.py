"""A scheduler for tests: sbatch runs the script at once and does not wait for it, srun starts its tasks on this machine, with the variables that SLURM sets."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

SBATCH = """
import os, re, subprocess, sys
script = open(sys.argv[-1]).read()
asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(.*)$", script, re.M))
job = os.environ["STUB_JOB"]
log = asked["output"].strip('"').replace("%x", asked["job-name"]).replace("%j", job)
given = {"SLURM_JOB_ID": job, "SLURM_JOB_NODELIST": "localhost", "SLURM_CPUS_PER_TASK": asked["cpus-per-task"], "STUB_TASKS": asked["ntasks-per-node"]}
ended = 'code=0; bash "$0" || code=$?; echo $code > "$STUB_CODE.draft"; mv "$STUB_CODE.draft" "$STUB_CODE"'
environment = {**os.environ, **given}
subprocess.Popen(["bash", "-c", ended, sys.argv[-1]], env=environment, stdin=subprocess.DEVNULL, stdout=open(log, "w"), stderr=subprocess.STDOUT)
print(job)
"""
SRUN = """
import os, signal, subprocess, sys, time
tasks = int(os.environ["STUB_TASKS"])
command = [word for word in sys.argv[1:] if not word.startswith("--kill-on")]
shared = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": str(tasks), "SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_STEP_TASKS_PER_NODE": str(tasks),
          "SLURM_STEP_NODELIST": "localhost", "SLURM_NODEID": "0"}
running = [subprocess.Popen(command, env={**os.environ, **shared, "SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)}) for i in range(tasks)]
notice = os.environ.get("STUB_NOTICE")
while any(task.poll() is None for task in running):
    if any(task.poll() for task in running):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and any(task.poll() is None for task in running):
            time.sleep(0.1)
        [task.kill() for task in running if task.poll() is None]
    if notice and any(any(f.startswith("epoch-") and not f.endswith(".draft") for f in folders) for _, folders, _ in os.walk(notice)):
        notice = None
        [task.send_signal(signal.SIGUSR1) for task in running]
    time.sleep(0.1)
sys.exit(max(code if code >= 0 else 128 - code for code in (task.wait() for task in running)))
"""
SCONTROL = """
import os, sys
if sys.argv[1:3] == ["show", "hostnames"]:
    print(sys.argv[3])
else:
    open(os.environ["STUB_CODE"] + ".scontrol", "a").write(" ".join(sys.argv[1:]) + "\\n")
"""


def ended(folder: Path, seconds: float = 200.0) -> str:
    """Wait for the job, and take its exit code away."""
    deadline, code = time.monotonic() + seconds, folder / "code"
    while not code.exists():
        assert time.monotonic() < deadline, "the job goes on and on"
        time.sleep(0.1)
    found = code.read_text().strip()
    code.unlink()
    return found


def scheduler(folder: Path) -> dict[str, str]:
    """Install it below a folder; the environment in which it is found."""
    binaries = folder / "bin"
    binaries.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL}.items():
        path = binaries / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = (port - 15000) % 20000 + 20000 * (port < 15000)  # the script makes the port from the job's number
    return {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "STUB_JOB": str(job), "STUB_CODE": str(folder / "code")}
