"""A Slurm of one machine: its commands as scripts, which keep what they were given."""

from __future__ import annotations

from pathlib import Path

# The number of a job is that of its process; the script of the job is kept for the test to read.
_SBATCH = """#!/bin/sh
cp "$1" "{folder}/$(basename "$1").$$"
SLURM_JOB_ID=$$ SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_JOB_NODELIST=here \\
SLURM_PROCID=0 SLURM_LOCALID=0 sh -c '{run}' sh "$1" >"{folder}/out.$$" 2>&1 &
echo "Submitted batch job $$"
"""
_SRUN = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do case "$1" in --output|--error) shift;; esac; shift; done
exec "$@"
"""
_SACCT = """#!/bin/sh
echo "JobID|State|NodeList"
for word in "$@"; do case "$word" in [0-9]*) echo "$word|{state}|here";; esac; done
"""


def install(folder: Path, *, loses: str = "") -> None:
    """Write the commands of Slurm into `folder`.

    Args:
        folder: a folder for the PATH; scripts of jobs are kept in it, too.
        loses: state in which every job ends before it has done anything, as in Slurm.
    """
    folder.mkdir()
    run = "true" if loses else 'exec sh "$1"'
    commands = {
        "sbatch": _SBATCH.replace("{folder}", str(folder)).replace("{run}", run),
        "srun": _SRUN,
        "sacct": _SACCT.replace("{state}", loses or "RUNNING"),
    }
    for name, text in commands.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)


def script(folder: Path) -> str:
    """Return the script of the only job that was handed in."""
    (script_file,) = folder.glob("*.sh.*")
    return script_file.read_text(encoding="utf-8")
