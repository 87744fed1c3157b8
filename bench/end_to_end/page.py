"""result.json as one HTML page without anything from elsewhere."""

import html

import runner

STAGE_COLOURS = {"inspect": "#b0b7c3", "plan": "#4c78a8", "pre-data": "#b0b7c3", "data": "#54a24b",
                 "post-data": "#f58518", "sequences": "#b0b7c3", "verify": "#b279a2",
                 "publish": "#e45756", "report": "#b0b7c3"}
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;
color:#222;background:#fff}table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;
border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
svg text{font:13px system-ui,sans-serif;fill:#222}.no{color:#b00020;font-weight:600}
.yes{color:#1b7a3d}dt{font-weight:600}dd{margin:0 0 .4em 0}"""
WIDTH, LABEL, ROW = 860, 130, 24


def text(value):
    return html.escape(str(value))


def number(value):
    return "-" if value is None else f"{value:.2f}"


def table(head, rows):
    cells = "".join(f"<th>{text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def bars(values, unit):
    """[(label, value)] as horizontal bars."""
    if not values:
        return ""
    longest = max(value for _, value in values) or 1
    parts = []
    for i, (label, value) in enumerate(values):
        width = (WIDTH - LABEL - 110) * value / longest
        y = i * ROW
        colour = "#54a24b" if label == "lite2pg" else "#4c78a8"
        parts.append(f'<text x="0" y="{y + 16}">{text(label)}</text>'
                     f'<rect x="{LABEL}" y="{y + 4}" width="{max(width, 1):.1f}" height="16"'
                     f' fill="{colour}"/><text x="{LABEL + width + 6:.1f}" y="{y + 16}">'
                     f'{value:,.1f} {unit}</text>')
    return (f'<svg viewBox="0 0 {WIDTH} {len(values) * ROW}" role="img">' + "".join(parts)
            + "</svg>")


def timeline(stages):
    """One run of lite2pg: its stages one after the other."""
    total = sum(stage["seconds"] for stage in stages.values()) or 1
    x, parts, legend = 0.0, [], []
    for name, stage in stages.items():
        width = WIDTH * stage["seconds"] / total
        parts.append(f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="22"'
                     f' fill="{STAGE_COLOURS.get(name, "#888")}"><title>{text(name)}'
                     f' {stage["seconds"]:.2f} s</title></rect>')
        if stage["seconds"] >= total / 200:
            cpu = (f"; CPU client {stage['client_cpu_seconds']:.2f} s, server "
                   f"{stage['server_cpu_seconds']:.2f} s" if "client_cpu_seconds" in stage else "")
            legend.append(f'<span style="color:{STAGE_COLOURS.get(name, "#888")}">&#9632;</span> '
                          f'{text(name)} {stage["seconds"]:.2f} s{cpu}')
        x += width
    return (f'<svg viewBox="0 0 {WIDTH} 22" role="img">' + "".join(parts) + "</svg><p>"
            + "<br>".join(legend) + "</p>")


def stream_chart(samples):
    """Bytes that each connection had sent, over time: a line per connection."""
    if not samples:
        return ""
    seconds = max(s["seconds"] for s in samples) or 1
    series = {}
    for sample in samples:
        series.setdefault(sample["stream"], []).append((sample["seconds"], sample["bytes"]))
    top = max(s["bytes"] for s in samples) or 1
    height, parts = 160, []
    palette = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#72b7b2", "#eeca3b"]
    for i, (stream, points) in enumerate(sorted(series.items())):
        path = " ".join(f"{WIDTH * x / seconds:.1f},{height - (height - 4) * y / top:.1f}"
                        for x, y in points)
        parts.append(f'<polyline fill="none" stroke-width="2" stroke="{palette[i % len(palette)]}"'
                     f' points="{path}"><title>stream {text(stream)}</title></polyline>')
    return (f'<p>Streams: bytes sent by each connection over the data stage ({seconds:.1f} s; '
            f'top {top / 1e6:,.0f} MB)</p><svg viewBox="0 0 {WIDTH} {height}" role="img">'
            f'<rect width="{WIDTH}" height="{height}" fill="#f6f7f9"/>' + "".join(parts) + "</svg>")


def workload_section(name, workload):
    ours = workload["runs"].get("lite2pg", [])
    rows, rates = [], []
    for contender, runs in workload["runs"].items():
        if not runs:
            continue
        data = runner.median(runs, "data_seconds")
        ratios = [runner.median_ratio(runs, ours, field)
                  for field in ("data_seconds", "whole_seconds")]
        rates.append((contender, workload["copy_bytes"] / 1e6 / data))
        rows.append([text(contender), len(runs), f"{data:.2f}",
                     number(ratios[0]),
                     number(runner.median(runs, "whole_seconds")),
                     number(ratios[1]),
                     f"{runner.median(runs, 'client_cpu_seconds'):.2f}",
                     f"{runner.median(runs, 'server_cpu_seconds'):.2f}",
                     "equal" if runs[0].get("same_content") else '<span class="no">differs</span>'])
    failed = "".join(f"<p>{text(c)} failed: {text(why)}</p>" for c, why in
                     workload["failed"].items())
    last = ours[-1]["stages"] if ours else {}
    return (f"<h2>{text(name)}: {text(workload['title'])}</h2><p>{workload['rows']:,} rows in "
            f"{workload['tables']:,} tables, {workload['copy_bytes'] / 1e6:,.0f} MB as binary COPY"
            "</p>" + bars(rates, "MB/s") + table(
                ["contender", "runs", "data s", "/ lite2pg", "whole s", "/ lite2pg",
                 "client CPU s", "server CPU s", "content"], rows) + failed
            + "<p>Stages of lite2pg's last run:</p>" + timeline(last)
            + stream_chart(workload.get("stream_samples", [])))


def figure_rows(figures):
    for f in figures:
        verdict = {True: '<span class="yes">yes</span>', False: '<span class="no">no</span>',
                   None: "-"}[f["reached"]]
        goal = "-" if f["goal"] is None else f"{'&ge;' if f['at_least'] else '&le;'} {f['goal']:g}"
        value = "-" if f["value"] is None else f"{f['value']:.2f}"
        yield [text(f["title"]), goal, value, verdict, text(f["detail"])]


def render(result):
    machine, server = result["machine"], result["server"]
    facts = {
        "begun": result["began"],
        "machine": f"{machine['processors']} processors, {machine['model']},"
                   f" {machine['memory_bytes'] / 2**30:.0f} GiB, Linux {machine['kernel']};"
                   f" load average {machine['load_average']:.1f} at the beginning",
        "server": f"PostgreSQL {server['version']}, profile {server['profile']}: "
                  + ", ".join(f"{k} = {v}" for k, v in server["settings"].items()),
        "programs": ", ".join(f"{k}: {v}" for k, v in result["programs"].items()),
        "absent": ", ".join(f"{k} ({v})" for k, v in result["absent"].items()) or "none",
        "scale": f"{result['scale']:g}; {result['pairs']} rounds, {result['slow_pairs']} of them"
                 f" with slow contenders; streams: {result['streams'] or 'automatic'}"
                 + ("; PARTIAL: mandatory contenders were left out" if result["partial"] else ""),
    }
    listed = "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in facts.items())
    sections = "".join(workload_section(*item) for item in result["workloads"].items())
    figures = table(["figure", "goal", "measured", "reached", ""], figure_rows(result["figures"]))
    return ("<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>lite2pg: measured"
            f"</title><style>{STYLE}</style></head><body><h1>lite2pg: measured</h1><dl>{listed}"
            f"</dl><h2>Figures</h2>{figures}{sections}</body></html>")
