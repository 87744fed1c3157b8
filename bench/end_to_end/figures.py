"""The figures that lite2pg is to reach: each a line with what was asked and what was measured. The
readers have goals of their own: what is measured by default is the page reader, `reader` among
figure_runs is the library."""

import figure_runs

# Measured on request; those of contenders come from the workloads that were run.
NAMES = list(figure_runs.MEASURES)

# Below this the data stage says more about beginnings and ends than about a rate.
DATA_SECONDS_MIN = 10.0

# (title, goal, at least?, contender, field, contender is above the line?)
AGAINST = (
    ("replay", "data stage / replay of the same bytes", 1.10, False, "data_seconds", False),
    ("pgloader", "pgloader / lite2pg, data stage", 8, True, "data_seconds", True),
    ("pgloader", "pgloader / lite2pg, whole run with full verification", 5, True, "whole_seconds",
     True),
    ("sqlite3_psql", "sqlite3 -csv | psql / lite2pg, data stage", 3, True, "data_seconds", True),
    ("psycopg2", "psycopg2 execute_values / lite2pg, data stage", 15, True, "data_seconds", True),
)
# Which workloads a figure is asked of; others are shown without a goal by the tables.
JUDGED = {"replay": ("mixed", "narrow")}


def figure(title, goal, at_least, value, detail=""):
    reached = None
    if goal is not None and value is not None:
        reached = value >= goal if at_least else value <= goal
    return {"title": title, "goal": goal, "at_least": at_least, "value": value,
            "reached": reached, "detail": detail}


def from_workloads(result):
    import runner
    found = []
    for name, workload in result["workloads"].items():
        ours = workload["runs"].get("lite2pg", [])
        if not ours or name == "many_tables":
            continue
        data = runner.median(ours, "data_seconds")
        detail = f"{name}, {len(ours)} runs, data stage {data:.1f} s"
        if data < DATA_SECONDS_MIN:
            detail += f" (shorter than {DATA_SECONDS_MIN:.0f} s)"
        for contender, title, goal, at_least, field, above in AGAINST:
            theirs = workload["runs"].get(contender, [])
            if not theirs or name not in JUDGED.get(contender, ("mixed",)):
                continue
            pair = (theirs, ours) if above else (ours, theirs)
            found.append(figure(title, goal, at_least, runner.median_ratio(*pair, field), detail))
        stages = [run["stages"] for run in ours]
        if name == "mixed":
            found.append(figure(
                "data stage, client CPU / server CPU", 0.35, False,
                _median([s["data"]["client_cpu_seconds"] / s["data"]["server_cpu_seconds"]
                         for s in stages if s["data"]["server_cpu_seconds"]]), detail))
            found.append(figure(
                "the scan / data stage", 0.10, False,
                _median([s["plan"]["seconds"] / s["data"]["seconds"] for s in stages]), detail))
    sparse, dense = (result["workloads"].get(name, {}).get("runs", {}).get("lite2pg")
                     for name in ("sparse", "dense"))
    if sparse and dense:
        found.append(figure(
            "sparse, skewed table / dense one of equal bytes, data stage", 1.15, False,
            runner.median(sparse, "data_seconds") / runner.median(dense, "data_seconds"),
            f"{len(sparse)} runs, not alternating"))
    return found


def _median(values):
    import statistics
    return statistics.median(values) if values else None


def measure(name, bench, options):
    return [figure(*measured) for measured in figure_runs.MEASURES[name](bench, options)]


def show(found):
    if not found:
        return
    print(f"\n  {'figure':62} {'goal':>9} {'measured':>9}  reached")
    for f in found:
        goal = "-" if f["goal"] is None else f"{'>=' if f['at_least'] else '<='} {f['goal']:g}"
        value = "-" if f["value"] is None else f"{f['value']:.2f}"
        verdict = {True: "yes", False: "NO", None: "-"}[f["reached"]]
        print(f"  {f['title']:62} {goal:>9} {value:>9}  {verdict:4} {f['detail']}")
