"""K: the program is killed, made to fail, or interrupted; also while it resumes."""

import random
import re
import signal
import time

from checker import Judge
from lab import ROOT, slowness
from trial import KINDS, Skip

ACTIONS = {"error": 1, "eio": 5, "enospc": 9}


def failpoints():
    text = (ROOT / "engine/base/failpoint.cc").read_text()
    names = re.search(r"kFailpoints\[\] = \{(.*?)\};", text, re.S).group(1)
    return re.findall(r'"([a-z_.]+)"', names)


def random_options(trial):
    return trial.rng.choice((["--streams", "1"], ["--streams", "3"], ["--streams", "4"], [],
                             ["--streams", "2", "--memory", "64MiB"]))


def k1(trial):
    """SIGKILL at a random moment, then resume"""
    trial.choose_kind()
    options = random_options(trial)
    longest = trial.usual_seconds()
    program = trial.start(*options)
    trial.wait_a_random_while(program, longest * 1.1)
    program.kill()
    trial.expect_done_or_resume(program.wait(), {-9}, options)


def k3(trial):
    """SIGKILL of the run, and of its resumes up to three times"""
    trial.choose_kind()
    options = random_options(trial)
    longest = trial.usual_seconds()
    program = trial.start(*options)
    trial.wait_a_random_while(program, longest)
    program.kill()
    kills = trial.rng.randint(1, 3)

    def again(number, resume):
        if number >= kills:
            return False
        trial.wait_a_random_while(resume, longest)
        resume.kill()
        return True

    trial.expect_done_or_resume(program.wait(), {-9}, options, fault=again)


# ---- Every failpoint -----------------------------------------------------------------------------

FIRST_STOP = "data.loaded:1:kill"  # so that a resume reaches the places of resuming


def reached(trial):
    """How often a copy of this kind, and the resume of a killed one, reach each failpoint."""
    def count():
        counts = {}
        for resumes in (False, True):
            log = trial.dir / "hits"
            log.unlink(missing_ok=True)
            if resumes:
                trial.start(failpoint=FIRST_STOP).wait()
                run = trial.start("--resume", log=str(log)).wait()
            else:
                run = trial.start(log=str(log)).wait()
            if run.exit_code != trial.kind.exit_code:
                Judge.fail("I1", f"without a fault, resumed: {resumes}\n{run}")
            for name in log.read_text().split():
                if resumes == name.startswith("resume."):
                    counts[name] = counts.get(name, 0) + 1
            trial.new_target()
        return counts
    return trial.lab.once(f"reached by {trial.kind.name}", count)


def combinations():
    """Every place x kind of copy x first, middle, last x action x once, always; in a fixed order
    that is mixed, so that any run of neighbours is a sample."""
    names = [(name, kind) for name in failpoints() for kind in KINDS]
    found = [(name, kind, position, action, always)
             for name, kind in names for position in ("first", "middle", "last")
             for action in ("kill", *ACTIONS) for always in (False, True)]
    random.Random(6).shuffle(found)
    return found


COMBINATIONS = combinations()


def k2(trial):
    """Every failpoint: first, middle, last time; once, always; kill, error, EIO, ENOSPC"""
    if not trial.lab.has_failpoints:
        raise Skip("this build has no failpoints")
    at = trial.seed
    while True:  # what a kind does not reach is passed over
        name, kind, position, action, always = COMBINATIONS[at % len(COMBINATIONS)]
        trial.use(KINDS[kind])
        counts = reached(trial)
        if name in counts and not (position == "middle" and counts[name] < 3) and \
                not (position == "last" and counts[name] < 2):
            break
        at += len(COMBINATIONS) // 7 + 1
        trial.lab.drop(trial.databases.pop())
        trial.notes.clear()
    hit = {"first": 1, "middle": (counts[name] + 1) // 2, "last": counts[name]}[position]
    failpoint = f"{name}:{hit}:{action}" + (":always" if always else "")
    trial.note(failpoint)
    options = ["--streams", "2"] if counts[name] == 1 else []
    if name.startswith("resume."):
        trial.start(*options, failpoint=FIRST_STOP).wait()
        run = trial.start("--resume", *options, failpoint=failpoint).wait()
    else:
        run = trial.start(*options, failpoint=failpoint).wait()
    killed = action == "kill"
    if killed and always and run.exit_code == -9:
        trial.judge.interrupted()
        run = trial.start("--resume", *options, failpoint=failpoint).wait()  # a fault in the resume
        if run.exit_code == 11:
            run = trial.start(*options, failpoint=failpoint).wait()
    # Losing rows' connections and COMMITs to a defect is not retried; a lost reply may be (0).
    allowed = {-9} if killed else {ACTIONS[action]}
    if run.exit_code == trial.kind.exit_code:
        trial.note("not reached" if name != "report.begin" else "")
        trial.judge.success(run)
        return
    trial.check_exit(run, allowed)
    trial.judge.interrupted()
    trial.finish(*options)


# ---- Signals -------------------------------------------------------------------------------------

INTERRUPT_SECONDS = 5
SECOND_SECONDS = 1


def k4(trial):
    """SIGINT or SIGTERM at a random moment: ends within 5 s; a second one at once"""
    trial.choose_kind("create", "direct", "merge")
    longest = trial.usual_seconds()
    options = random_options(trial)
    program = trial.start(*options)
    trial.wait_a_random_while(program, longest)
    number = trial.rng.choice((signal.SIGINT, signal.SIGTERM))
    twice = trial.rng.random() < 0.3
    program.signal(number)
    if twice:
        time.sleep(trial.rng.uniform(0, 0.02))
        program.signal(trial.rng.choice((signal.SIGINT, signal.SIGTERM)))
    signalled = time.monotonic()
    run = program.wait()
    took = time.monotonic() - signalled
    limit = SECOND_SECONDS if twice and run.exit_code == 130 else INTERRUPT_SECONDS
    if took > limit * slowness():
        Judge.fail("signals", f"ended {took:.1f} s after the signal\n{run}")
    # The loader's time, before main() can catch anything; then nothing was begun.
    allowed = {10, -number} | ({130} if twice else set())
    if run.exit_code == 10 and run.report is not None:
        # Whoever is stopped is told how to go on.
        told = " ".join(run.report["next_steps"])
        begun = trial.judge.relation_exists("lite2pg.run") and trial.sql(
            "SELECT state FROM lite2pg.run") == [("interrupted",)]
        if begun and "--resume" not in told:
            Judge.fail("signals", f"resumable, but it does not say so\n{run}")
    trial.expect_done_or_resume(run, allowed, options)


ROWS = {"K1": k1, "K2": k2, "K3": k3, "K4": k4}
