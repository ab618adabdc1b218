"""Finding and stopping the processes of a system.

Each process that a supervisor starts inherits a mark in its environment. By this mark a process is
found even if its parent was killed: a worker of a killed service, a code server of a killed daemon.
"""

import signal

import psutil

from eventmill.core.errors import ConfigurationError
from eventmill.core.running import ProcessState, read_state, state_file

STOP_SECONDS = 20
MARK = "EVENTMILL_STARTED_BY"
SUPERVISOR, POSTGRESQL = "supervisor", "postgresql"


def state_of(pid: int) -> ProcessState:
    """Of a process that runs. Raises psutil.NoSuchProcess if it does not."""
    return ProcessState(pid=pid, created=psutil.Process(pid).create_time())


def mark_of(supervisor: ProcessState) -> str:
    return f"{supervisor.pid}-{supervisor.created}"


def stop_marked(mark: str) -> None:
    """Terminate the processes that carry `mark`; kill what is left after STOP_SECONDS."""
    everyone = _marked(mark)
    pids = {process.pid for process in everyone}
    # Parents stop their own children in order; a daemon's code server goes with the daemon.
    roots = [process for process in everyone if _parent(process) not in pids]
    for process in roots:
        send(process, signal.SIGTERM)
    psutil.wait_procs(roots, timeout=STOP_SECONDS)
    left = _marked(mark)
    for process in left:
        send(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=STOP_SECONDS)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:  # somebody else's, or gone by now
            continue
    return found


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def running_processes() -> dict[str, psutil.Process]:
    """Name → process of what runs for this home; a reused process id is not mistaken for ours."""
    state = read_state()
    if state is None:
        return {}
    found = {}
    for name, known in {SUPERVISOR: state.supervisor, **state.processes}.items():
        try:
            process = psutil.Process(known.pid) if known.pid else None
            if process and abs(process.create_time() - (known.created or 0)) < 1:
                found[name] = process
        except psutil.NoSuchProcess:
            continue
    return found


def require_not_running() -> None:
    """Raise ConfigurationError if this home's system is already up."""
    if running := running_processes().get(SUPERVISOR):
        raise ConfigurationError(
            f"Eventmill already runs for this home (process {running.pid}):"
            " `eventmill down` stops it"
        )


def stop_everything() -> list[str]:
    """Stop the services of this home, from any process. Returns the names of what was stopped."""
    state, running = read_state(), running_processes()
    if supervisor := running.get(SUPERVISOR):
        send(supervisor, signal.SIGTERM)
        psutil.wait_procs([supervisor], timeout=2 * STOP_SECONDS)
    if state is not None:
        stop_marked(mark_of(state.supervisor))
    state_file().unlink(missing_ok=True)
    return [name for name in running if name != POSTGRESQL]
