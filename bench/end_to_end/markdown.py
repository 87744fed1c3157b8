"""result.json as Markdown tables, as docs/performance.md shows them."""

import runner


def number(value):
    return "-" if value is None else f"{value:.2f}"


def facts(result):
    machine, server = result["machine"], result["server"]
    absent = ", ".join(f"{name} ({why})" for name, why in result["absent"].items())
    return (f"{machine['processors']} processors ({machine['model']}),"
            f" {machine['memory_bytes'] / 2**30:.0f} GiB, load average"
            f" {machine['load_average']:.1f} at the beginning; PostgreSQL {server['version']},"
            f" profile {server['profile']}; scale {result['scale']:g}, {result['pairs']} rounds,"
            f" {result['slow_pairs']} of slow contenders;"
            f" {', '.join(f'{k} {v}' for k, v in result['programs'].items())}"
            + (f"; absent: {absent}" if absent else "")
            + ("; some mandatory contenders were left out" if result["partial"] else "") + ".")


def workload(name, measured):
    ours = measured["runs"].get("lite2pg", [])
    lines = [f"**{name}**: {measured['title']}; {measured['rows']:,} rows,"
             f" {measured['copy_bytes'] / 1e6:,.0f} MB as binary COPY", "",
             "| contender | runs | data s | / lite2pg | whole s | / lite2pg | client CPU s |"
             " server CPU s | content |", "| --- | --: | --: | --: | --: | --: | --: | --: | --- |"]
    for contender, runs in measured["runs"].items():
        if not runs:
            continue
        ratios = [runner.median_ratio(runs, ours, field)
                  for field in ("data_seconds", "whole_seconds")]
        lines.append(f"| {contender} | {len(runs)} | {number(runner.median(runs, 'data_seconds'))} |"
                     f" {number(ratios[0])} | {number(runner.median(runs, 'whole_seconds'))} |"
                     f" {number(ratios[1])} | {number(runner.median(runs, 'client_cpu_seconds'))} |"
                     f" {number(runner.median(runs, 'server_cpu_seconds'))} |"
                     f" {'equal' if runs[0].get('same_content') else 'differs'} |")
    lines += ["", *[f"{contender} failed: {why}" for contender, why in measured["failed"].items()]]
    return "\n".join(lines)


def figures(found):
    lines = ["| figure | goal | measured | reached | |", "| --- | --: | --: | --- | --- |"]
    for f in found:
        goal = "-" if f["goal"] is None else f"{'>=' if f['at_least'] else '<='} {f['goal']:g}"
        verdict = {True: "yes", False: "**no**", None: "-"}[f["reached"]]
        title = f["title"].replace("|", "\\|")  # a bar would begin another cell
        lines.append(f"| {title} | {goal} | {number(f['value'])} | {verdict} |"
                     f" {f['detail']} |")
    return "\n".join(lines)


def render(result):
    parts = [facts(result), *[workload(*item) for item in result["workloads"].items()]]
    if result["figures"]:
        parts.append(figures(result["figures"]))
    return "\n\n".join(parts) + "\n"
